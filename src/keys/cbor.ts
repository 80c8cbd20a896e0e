/** What a CBOR item says, of the part of CBOR that authenticators are allowed. */
export type Cbor = number | boolean | null | string | Uint8Array | readonly Cbor[] | CborMap;
export type CborMap = ReadonlyMap<number | string, Cbor>;

/** Containers inside each other; an attestation statement needs three (WebAuthn §6.5.4). */
const DEPTH = 4;

/** Bytes of a longer argument, and the least number that may be spelled with so many (RFC 8949 §4.2.1). */
const LONGER: Readonly<Record<number, { readonly size: number; readonly least: number }>> = {
  24: { size: 1, least: 24 },
  25: { size: 2, least: 0x100 },
  26: { size: 4, least: 0x1_0000 },
};

const SIMPLE: Readonly<Record<number, boolean | null>> = { 20: false, 21: true, 22: null };

type Cursor = { readonly bytes: Uint8Array; at: number };

/** Thrown and caught in this file alone. */
class Unfit extends Error {}

/**
 * Reads the one item at `start` and tells where it ends; undefined for whatever CTAP2's canonical form does not know: indefinite
 * lengths, tags, floats, longer spellings of a number, a key twice in a map, numbers over 32 bits. Memory grows with the bytes that
 * are there, never with a length that is only claimed. Maps may have their keys in any order, because some browsers write them so.
 */
export function readCbor(
  bytes: Uint8Array,
  start = 0,
): { readonly value: Cbor; readonly end: number } | undefined {
  const cursor = { bytes, at: start };
  try {
    return { value: item(cursor, 0), end: cursor.at };
  } catch (cause) {
    if (cause instanceof Unfit) return undefined;
    throw cause;
  }
}

function item(cursor: Cursor, depth: number): Cbor {
  if (depth > DEPTH) throw new Unfit();
  const [head = 0] = take(cursor, 1);
  const [major, info] = [head >> 5, head & 31];
  if (major === 7) return simple(info);
  const count = argument(cursor, info);
  switch (major) {
    case 0:
      return count;
    case 1:
      return -1 - count;
    case 2:
      return take(cursor, count).slice();
    case 3:
      return text(take(cursor, count));
    case 4:
      return list(cursor, count, depth + 1);
    case 5:
      return map(cursor, count, depth + 1);
    default:
      throw new Unfit();
  }
}

function take(cursor: Cursor, size: number): Uint8Array {
  if (size > cursor.bytes.length - cursor.at) throw new Unfit();
  const part = cursor.bytes.subarray(cursor.at, cursor.at + size);
  cursor.at += size;
  return part;
}

function argument(cursor: Cursor, info: number): number {
  if (info < 24) return info;
  const longer = LONGER[info];
  if (!longer) throw new Unfit();
  const value = take(cursor, longer.size).reduce((sum, byte) => sum * 0x100 + byte, 0);
  if (value < longer.least) throw new Unfit();
  return value;
}

function simple(info: number): boolean | null {
  const value = SIMPLE[info];
  if (value === undefined) throw new Unfit();
  return value;
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unfit();
  }
}

function list(cursor: Cursor, count: number, depth: number): readonly Cbor[] {
  const items: Cbor[] = [];
  while (items.length < count) items.push(item(cursor, depth));
  return items;
}

function map(cursor: Cursor, count: number, depth: number): CborMap {
  const entries = new Map<number | string, Cbor>();
  while (entries.size < count) {
    const key = item(cursor, depth);
    if ((typeof key !== "number" && typeof key !== "string") || entries.has(key)) throw new Unfit();
    entries.set(key, item(cursor, depth));
  }
  return entries;
}
