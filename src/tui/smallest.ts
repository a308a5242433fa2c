/** The smallest window that the full screen fits into. */
export const SMALLEST = { columns: 80, rows: 24 };

/** Whether the full screen does not fit; a size that is not known is taken to be large enough. */
export function isTooSmall({ columns, rows }: { columns?: number; rows?: number }): boolean {
  return (columns ?? SMALLEST.columns) < SMALLEST.columns || (rows ?? SMALLEST.rows) < SMALLEST.rows;
}
