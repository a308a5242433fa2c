/**
 * Quantities as `resource.Quantity` of apimachinery writes them: parsed exactly (down to a billionth, rounded up) and
 * printed in the one canonical form of their kind of suffix.
 */
export interface Quantity {
  /** In billionths. */
  nano: bigint;
  form: 'binary' | 'decimal' | 'exponent';
}

const SHAPE = /^([+-]?)(\d+)?(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$/;
const NANO = 1_000_000_000n;
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const DECIMAL_SUFFIX = new Map(Object.entries(DECIMAL).map(([suffix, exponent]) => [exponent, suffix]));

/** Undefined where the text is not a quantity. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = SHAPE.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction || '0');
  const binary = BINARY.indexOf(suffix);
  let numerator = digits;
  let denominator = 10n ** BigInt(fraction.length);
  let form: Quantity['form'] = 'decimal';
  if (suffix !== '' && binary > 0) {
    numerator *= 1024n ** BigInt(binary);
    form = 'binary';
  } else {
    const written = DECIMAL[suffix];
    const exponent = written ?? Number(suffix.slice(1));
    if (written === undefined) form = 'exponent';
    if (Math.abs(exponent) > 100) return undefined;
    if (exponent >= 0) numerator *= 10n ** BigInt(exponent);
    else denominator *= 10n ** BigInt(-exponent);
  }
  const scaled = numerator * NANO;
  const up = scaled % denominator === 0n ? 0n : 1n; // away from zero, so that a limit is never rounded to less
  const nano = scaled / denominator + up;
  return { nano: sign === '-' ? -nano : nano, form };
}

/** The canonical text of a quantity. */
export function formatQuantity({ nano, form }: Quantity): string {
  if (nano === 0n) return '0';
  const size = nano < 0n ? -nano : nano;
  const sign = nano < 0n ? '-' : '';
  if (form === 'binary' && size % NANO === 0n && size >= 1024n * NANO) {
    let value = size / NANO;
    let power = 0;
    while (value % 1024n === 0n && power < BINARY.length - 1) {
      value /= 1024n;
      power += 1;
    }
    return `${sign}${value}${BINARY[power]}`;
  }
  let value = size;
  let exponent = -9;
  while (value % 1000n === 0n && exponent < 18) {
    value /= 1000n;
    exponent += 3;
  }
  if (form === 'exponent') return exponent === 0 ? `${sign}${value}` : `${sign}${value}e${exponent}`;
  return `${sign}${value}${DECIMAL_SUFFIX.get(exponent)}`;
}

/** Canonical text of what a manifest may hold for a quantity; undefined where it is none. */
export function canonicalQuantity(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const parsed = parseQuantity(String(value));
  return parsed === undefined ? undefined : formatQuantity(parsed);
}

/** Billionths of a quantity that was validated before. */
export function nanoOf(text: unknown): bigint {
  return parseQuantity(String(text))?.nano ?? 0n;
}
