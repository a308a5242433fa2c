/** A set of small whole numbers below a fixed bound. */
export class Bits {
  private readonly words: Uint32Array;

  constructor(bound: number) {
    this.words = new Uint32Array((bound + 31) >>> 5);
  }

  add(n: number): void {
    this.words[n >>> 5] = (this.words[n >>> 5] ?? 0) | (1 << (n & 31));
  }

  has(n: number): boolean {
    return ((this.words[n >>> 5] ?? 0) & (1 << (n & 31))) !== 0;
  }

  /** Takes in every member of another set of the same bound. */
  addAll(other: Bits): void {
    for (let i = 0; i < this.words.length; i++) this.words[i] = (this.words[i] ?? 0) | (other.words[i] ?? 0);
  }

  /** Calls `visit` for every member of at least `first` in rising order. */
  forEach(visit: (n: number) => void, first = 0): void {
    const start = first >>> 5;
    for (let i = start; i < this.words.length; i++) {
      let word = this.words[i] ?? 0;
      if (i === start) word &= -1 << (first & 31);
      while (word !== 0) {
        const low = word & -word;
        visit(i * 32 + (31 - Math.clz32(low)));
        word ^= low;
      }
    }
  }
}
