/**
 * What `JSON.stringify` leaves as it is although a terminal would act on it or hide it: DEL and C1 controls, format
 * characters (bidirectional, zero-width, tags), line and paragraph separators.
 */
const UNSAFE = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu;

/** A value as JSON that may be shown on a terminal: unsafe characters as `\uXXXX`, which means the same to every parser. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, (char) =>
    [...Array(char.length).keys()]
      .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
