import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import {
  addressText,
  atoms,
  inRange,
  parseAddress,
  parseCidr,
  rangeText,
  without,
} from '../../src/reach/address.js';

describe('addresses', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['010.000.000.001', '10.0.0.1'],
    ['::', '::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:0a00:0001', '10.0.0.1'],
  ])('%s is %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && addressText(address)).toBe(canonical);
  });

  test.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '1.2.3.4.5',
    '10.0.0.1 ',
    'localhost',
    ':::',
    'fe80::1%eth0',
    '1e1.0.0.1',
  ])('"%s" is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('every address goes into a number and back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseAddress(text);
        const back = address && addressText(address);
        expect(back && isIP(back)).toBeGreaterThan(0);
        expect(parseAddress(back ?? '')).toEqual(address);
      }),
    );
  });
});

describe('CIDRs', () => {
  test.each([
    ['10.1.2.3/8', '10.0.0.0-10.255.255.255'],
    ['10.0.0.1/32', '10.0.0.1-10.0.0.1'],
    ['0.0.0.0/0', '0.0.0.0-255.255.255.255'],
    ['2001:db8::/126', '2001:db8::-2001:db8::3'],
  ])('%s is %s', (text, expected) => {
    const range = parseCidr(text);
    expect(range && rangeText(range)).toBe(expected);
  });

  test.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '::/129',
    '10.0.0/8',
    'x/8',
    '10.0.0.0/8/8',
    '10.0.0.0/1e1',
  ])('"%s" is no CIDR', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('membership is as Node itself sees it', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), (network, bits, probe) => {
        const list = new BlockList();
        list.addSubnet(network, bits, 'ipv4');
        const range = parseCidr(`${network}/${bits}`);
        const address = parseAddress(probe);
        expect(range && address && inRange(address, range)).toBe(list.check(probe));
      }),
    );
  });
});

const cidr = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 }))
  .map(([last, bits]) => parseCidr(`10.0.0.${last}/${bits}`))
  .filter((range) => range !== undefined);

describe('sets of addresses', () => {
  test('atoms cover everything once, and every range is made of whole atoms', () => {
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 8 }), (ranges) => {
        const cut = atoms(ranges);
        for (const family of [4, 6] as const) {
          let next = 0n;
          for (const atom of cut.filter((one) => one.family === family)) {
            expect(atom.from).toBe(next);
            next = atom.to + 1n;
          }
          expect(next).toBe(family === 4 ? 2n ** 32n : 2n ** 128n);
        }
        for (const range of ranges) {
          expect(cut.some((atom) => atom.family === range.family && atom.from === range.from)).toBe(true);
          expect(cut.some((atom) => atom.family === range.family && atom.to === range.to)).toBe(true);
        }
      }),
    );
  });

  test('a range without others holds exactly the rest', () => {
    fc.assert(
      fc.property(
        cidr,
        fc.array(cidr, { maxLength: 5 }),
        fc.integer({ min: 0, max: 255 }),
        (range, others, last) => {
          const address = { family: 4 as const, value: (10n << 24n) + BigInt(last) };
          const rest = without(range, others);
          const expected = inRange(address, range) && !others.some((other) => inRange(address, other));
          expect(rest.some((one) => inRange(address, one))).toBe(expected);
          for (const [i, one] of rest.entries()) {
            const before = rest[i - 1];
            if (before !== undefined) expect(one.from > before.to + 1n).toBe(true);
          }
        },
      ),
    );
  });
});
