/** Label with a namespace's own name, by which policies select it. */
export const NAME_LABEL = 'kubernetes.io/metadata.name';
