/**
 * Kubernetes quantities, exact: a quantity is a whole number of nano-units (10^-9 of a core, a byte, a pod), which is
 * the finest that the API server keeps. Source: apimachinery, `resource.Quantity`.
 */
export type Quantity = bigint;

/** What is wrong with text that is no quantity. */
export interface InvalidQuantity {
  invalid: string;
}

const NANO = 1_000_000_000n;
/** The API server caps what is larger than the largest signed 64-bit number. */
const LARGEST = (2n ** 63n - 1n) * NANO;
/** Longer text than any quantity; keeps the arithmetic bounded. */
const LONGEST = 64;

/** Power of ten by decimal suffix, power of two by binary suffix. */
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
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

const GRAMMAR = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE][+-]?\d+)|([A-Za-z]{0,2}))$/;

/**
 * Reads a quantity as the API server does: `100m`, `1.5Gi`, `1e3`, `2E` (exa), `2E3` (exponent), and JSON numbers;
 * spaces around it do not count. Text without any digit, which the server takes for zero, is refused.
 * What is finer than a nano-unit is rounded away from zero; what is too large is capped.
 */
export function parseQuantity(value: unknown): Quantity | InvalidQuantity {
  const written = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  if (typeof written !== 'string') return { invalid: 'not a quantity: expected text such as 100m or 1.5Gi' };
  const text = written.replace(/^ +| +$/g, '');
  if (text.length > LONGEST) return { invalid: `not a quantity: longer than ${LONGEST} characters` };
  const parts = GRAMMAR.exec(text);
  const [, sign = '', whole = '', fraction = '', exponent, suffix = ''] = parts ?? [];
  if (parts === null || whole + fraction === '')
    return { invalid: `not a quantity: ${JSON.stringify(text)}` };
  let tens = exponent === undefined ? DECIMAL[suffix] : Number(exponent.slice(1));
  const twos = BINARY[suffix];
  if (tens === undefined && twos === undefined)
    return { invalid: `not a quantity: unknown suffix in ${JSON.stringify(text)}` };
  tens = (tens ?? 0) + 9 - fraction.length;
  const digits = BigInt(whole + fraction) << BigInt(twos ?? 0);
  const size = shifted(digits, tens);
  const capped = size > LARGEST ? LARGEST : size;
  return sign === '-' ? -capped : capped;
}

/** digits * 10^tens, rounded up; exponents beyond any quantity give the largest or the smallest one. */
function shifted(digits: bigint, tens: number): bigint {
  if (digits === 0n) return 0n;
  if (tens > 200) return LARGEST + 1n;
  if (tens < -200) return 1n;
  if (tens >= 0) return digits * 10n ** BigInt(tens);
  return divideUp(digits, 10n ** BigInt(-tens));
}

/** Quantities by their text: a large cluster says the same few over and over. */
const READ = new Map<unknown, Quantity>();
const MOST_READ = 4_096;

/** The quantity, or undefined where the value is none. */
export function quantityOf(value: unknown): Quantity | undefined {
  const known = READ.get(value);
  if (known !== undefined) return known;
  const parsed = parseQuantity(value);
  if (typeof parsed !== 'bigint') return undefined;
  if (READ.size >= MOST_READ) READ.clear();
  READ.set(value, parsed);
  return parsed;
}

/** A whole number as a quantity. */
export function whole(count: number): Quantity {
  return BigInt(count) * NANO;
}

/** a / b rounded up, for a >= 0 and b > 0. */
export function divideUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** The smallest multiple of `unit` that is not below the quantity, for quantities >= 0. */
export function roundUp(quantity: Quantity, unit: Quantity): Quantity {
  return divideUp(quantity, unit) * unit;
}

/**
 * The shortest exact form with a whole number in front of its suffix: `1500m`, `2`, `2k` for decimal; `1536Mi`,
 * `1Gi` for binary, which falls back to decimal below 1024 and for fractions.
 */
export function formatQuantity(quantity: Quantity, style: 'decimal' | 'binary'): string {
  if (quantity === 0n) return '0';
  const sign = quantity < 0n ? '-' : '';
  const size = quantity < 0n ? -quantity : quantity;
  if (style === 'binary' && size % (1024n * NANO) === 0n) {
    const fits = Object.entries(BINARY).filter(([, twos]) => size % (NANO << BigInt(twos)) === 0n);
    const [suffix, twos] = fits.at(-1) ?? ['Ki', 10];
    return `${sign}${size / (NANO << BigInt(twos))}${suffix}`;
  }
  const fits = Object.entries(DECIMAL).filter(([, tens]) => size % 10n ** BigInt(tens + 9) === 0n);
  const [suffix, tens] = fits.at(-1) ?? ['n', -9];
  return `${sign}${size / 10n ** BigInt(tens + 9)}${suffix}`;
}

/** Amounts by resource name, e.g. `cpu`, `memory`. A missing name means that nothing is said about it. */
export type Amounts = Readonly<Record<string, Quantity>>;

/** The quantities of a map of an object (`requests`, `hard`, `allocatable`); what is none, or negative, is left out. */
export function amountsOf(map: unknown): Amounts {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return {};
  const out: Record<string, Quantity> = {};
  for (const [name, value] of Object.entries(map)) {
    const quantity = quantityOf(value);
    if (quantity !== undefined && quantity >= 0n) out[name] = quantity;
  }
  return out;
}

/** Both amounts together, name by name. */
export function sum(a: Amounts, b: Amounts): Amounts {
  return combined(a, b, (x, y) => x + y);
}

/** The larger of both amounts, name by name. */
export function larger(a: Amounts, b: Amounts): Amounts {
  return combined(a, b, (x, y) => (x > y ? x : y));
}

/** The amounts `count` times. */
export function times(a: Amounts, count: number): Amounts {
  return Object.fromEntries(Object.entries(a).map(([name, value]) => [name, value * BigInt(count)]));
}

function combined(a: Amounts, b: Amounts, how: (x: Quantity, y: Quantity) => Quantity): Amounts {
  const out: Record<string, Quantity> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const own = out[name];
    out[name] = own === undefined ? value : how(own, value);
  }
  return out;
}

/** A quantity as a person reads it: binary for memory and storage, decimal for all else. */
export function amountText(resource: string, quantity: Quantity): string {
  return formatQuantity(quantity, /memory|storage|hugepages/.test(resource) ? 'binary' : 'decimal');
}
