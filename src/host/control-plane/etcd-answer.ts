/** Longest part of a text in an answer that is kept: a key of etcd, and of a value no more than its storage prefix. */
const KEEP = { key: 4_096, other: 800 };

/** What one page of a range tells: how many values begin with which storage prefix, and where the next page begins. */
export interface EtcdPage {
  counts: Map<string, number>;
  /** The last key, base64. */
  last: string | undefined;
  more: boolean;
  values: number;
}

/**
 * Reads etcd's JSON answer to a range request as it arrives, without ever holding it: of each value the first bytes are
 * looked at for its storage prefix, the rest passes by. (etcd has no request for a part of a value.)
 * The shape is that of etcd's own gateway: `{"header": {…}, "kvs": [{"key": "base64", …, "value": "base64"}], "more": true}`.
 */
export class EtcdAnswer {
  readonly page: EtcdPage = { counts: new Map(), last: undefined, more: false, values: 0 };
  #depth = 0;
  #inText = false;
  #escaped = false;
  #text = '';
  #field = '';
  #list = '';
  #value = '';

  /** Takes the next piece of the answer. */
  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at++) {
      if (this.#inText) at = this.#passText(chunk, at);
      else this.#structure(chunk[at]!);
    }
  }

  /** Goes on within a text and stops at its last character in this piece. */
  #passText(chunk: Buffer, from: number): number {
    if (this.#escaped) {
      this.#escaped = false;
      return from;
    }
    const quote = chunk.indexOf(QUOTE, from);
    const slash = chunk.subarray(from, quote < 0 ? chunk.length : quote).indexOf(BACKSLASH);
    const end = slash >= 0 ? from + slash : quote < 0 ? chunk.length : quote;
    const room = (this.#field === 'key' ? KEEP.key : KEEP.other) - this.#text.length;
    if (room > 0) this.#text += chunk.toString('latin1', from, Math.min(end, from + room));
    if (slash >= 0) this.#escaped = true;
    else if (quote >= 0) this.#inText = false;
    return end;
  }

  #structure(byte: number): void {
    switch (byte) {
      case QUOTE:
        this.#inText = true;
        this.#text = '';
        return;
      case COLON:
        this.#field = this.#text;
        this.#text = '';
        return;
      case OPEN_LIST:
        this.#list = this.#field;
        this.#depth++;
        return;
      case OPEN_MAP:
        this.#depth++;
        return;
      case COMMA:
        this.#ended();
        return;
      case CLOSE_MAP:
        this.#ended();
        if (this.#list === 'kvs' && this.#depth === ITEM_DEPTH) this.#item();
        this.#depth--;
        return;
      case CLOSE_LIST:
        this.#ended();
        this.#list = '';
        this.#depth--;
        return;
      default:
        // true, false and numbers: letters and digits outside of texts.
        if (byte > SPACE) this.#text += String.fromCharCode(byte);
    }
  }

  /** A field has its value. */
  #ended(): void {
    if (this.#list === 'kvs' && this.#depth === ITEM_DEPTH) {
      if (this.#field === 'key') this.page.last = this.#text;
      if (this.#field === 'value') this.#value = this.#text;
    } else if (this.#depth === 1 && this.#field === 'more') this.page.more = this.#text === 'true';
    this.#field = '';
    this.#text = '';
  }

  #item(): void {
    const prefix = storagePrefix(Buffer.from(this.#value, 'base64'));
    this.page.counts.set(prefix, (this.page.counts.get(prefix) ?? 0) + 1);
    this.page.values++;
    this.#value = '';
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
const SPACE = 0x20;
/** `{"kvs": [{` */
const ITEM_DEPTH = 3;

/** What stands before an encrypted value, with provider and key; empty for plain text. */
function storagePrefix(begin: Buffer): string {
  const text = begin.toString('latin1');
  if (!text.startsWith('k8s:enc:')) return '';
  const prefix = /^k8s:enc:[^:]+:[^:]+:[^:]+:/.exec(text)?.[0] ?? 'k8s:enc:';
  return Buffer.from(prefix, 'latin1').toString();
}
