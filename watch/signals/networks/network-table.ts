/** Looks addresses up in sorted ranges, held as typed arrays: some 20 MB for a million ranges. */
import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import { createInterface } from 'node:readline'
import type { Log } from '../../../kit/log.ts'
import { isPublicAddress } from '../../../kit/network/public-address.ts'
import { addressToNumber } from './address-number.ts'

export interface NetworkPlace {
  /** ISO 3166, upper case; null: unknown, or no public address. */
  readonly country: string | null
  readonly asn: number | null
  /** The network's name; null: unknown. */
  readonly network: string | null
}

export interface NetworkTable {
  find(address: string): Promise<NetworkPlace>
}

const NOWHERE: NetworkPlace = { country: null, asn: null, network: null }

/** Ranges of one family: begin and end (inclusive), each as two halves so that 128 bits fit; and what they stand for. */
interface Ranges {
  readonly begins: BigUint64Array | Uint32Array
  readonly ends: BigUint64Array | Uint32Array
  readonly values: Uint32Array
  /** Where ranges begin by the first 16 bits of an address: what is far from it needs no look. One more at the end. */
  readonly slots: Uint32Array
}

interface Tables {
  readonly country: { readonly 4: Ranges; readonly 6: Ranges; readonly names: readonly string[] }
  readonly asn: { readonly 4: Ranges; readonly 6: Ranges; readonly names: ReadonlyMap<number, string> }
}

/** Prepares the table; the files are read by the first question. When they can't be, every place is unknown. */
export function openNetworkTable(log: Log): NetworkTable {
  let loading: Promise<Tables | null> | null = null
  return {
    async find(address) {
      const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%', 1)[0]!
      const family = isIP(bare) as 0 | 4 | 6
      if (family === 0) return NOWHERE
      loading ??= loadTables().catch((error: unknown) => {
        log.error({ err: error }, 'networks.not-loaded')
        return null
      })
      const tables = await loading
      if (!tables) return NOWHERE
      const key = addressToNumber(bare, family)
      const asn = search(tables.asn[family], key)
      // Nothing that is reserved is routed; but the table gives some of it a country.
      if (asn === null && !isPublicAddress(bare)) return NOWHERE
      const country = search(tables.country[family], key)
      return {
        country: country === null ? null : tables.country.names[country]!,
        asn,
        network: asn === null ? null : (tables.asn.names.get(asn) ?? null),
      }
    },
  }
}

async function loadTables(): Promise<Tables> {
  const names: string[] = []
  const numberOf = new Map<string, number>()
  const byName = (name: string) => {
    let number = numberOf.get(name)
    if (number === undefined) {
      number = names.length
      numberOf.set(name, number)
      names.push(name)
    }
    return number
  }
  const asnNames = new Map<number, string>()
  const byAsn = (asn: string, name: string) => {
    const number = Number(asn)
    if (!asnNames.has(number)) asnNames.set(number, name)
    return number
  }
  const country = '@ip-location-db/geo-whois-asn-country/geo-whois-asn-country'
  const asn = '@ip-location-db/asn/asn'
  return {
    country: {
      4: await loadRanges(`${country}-ipv4-num.csv`, 4, byName),
      6: await loadRanges(`${country}-ipv6-num.csv`, 6, byName),
      names,
    },
    asn: {
      4: await loadRanges(`${asn}-ipv4-num.csv`, 4, byAsn),
      6: await loadRanges(`${asn}-ipv6-num.csv`, 6, byAsn),
      names: asnNames,
    },
  }
}

/** IPv6 ranges are kept by their upper 64 bits: no network is smaller than a /64 (RFC 6177). */
async function loadRanges(
  file: string,
  family: 4 | 6,
  valueOf: (value: string, name: string) => number,
): Promise<Ranges> {
  const path = createRequire(import.meta.url).resolve(file)
  const begins: bigint[] | number[] = []
  const ends: bigint[] | number[] = []
  const values: number[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const [, begin, end, value, quoted, plain] =
      /^(\d+),(\d+),([^,]+)(?:,(?:"((?:[^"]|"")*)"|(.*)))?$/.exec(line) ?? []
    if (begin === undefined) continue
    if (family === 4) {
      ;(begins as number[]).push(Number(begin))
      ;(ends as number[]).push(Number(end))
    } else {
      ;(begins as bigint[]).push(BigInt(begin) >> 64n)
      ;(ends as bigint[]).push(BigInt(end!) >> 64n)
    }
    values.push(valueOf(value!, quoted?.replaceAll('""', '"') ?? plain ?? ''))
  }
  const slots = countSlots(begins)
  return family === 4
    ? {
        begins: Uint32Array.from(begins as number[]),
        ends: Uint32Array.from(ends as number[]),
        values: Uint32Array.from(values),
        slots,
      }
    : {
        begins: BigUint64Array.from(begins as bigint[]),
        ends: BigUint64Array.from(ends as bigint[]),
        values: Uint32Array.from(values),
        slots,
      }
}

const SLOTS = 2 ** 16

const slotOf = (key: bigint | number): number => (typeof key === 'bigint' ? Number(key >> 48n) : key >>> 16)

/** For each slot, how many ranges begin before it. */
function countSlots(begins: readonly (bigint | number)[]): Uint32Array {
  const slots = new Uint32Array(SLOTS + 1)
  for (const begin of begins) slots[slotOf(begin) + 1]!++
  for (let slot = 0; slot < SLOTS; slot++) slots[slot + 1]! += slots[slot]!
  return slots
}

/** The value of the range that holds the key; null: none does. */
function search({ begins, ends, values, slots }: Ranges, key: bigint | number): number | null {
  const slot = slotOf(key)
  // The range that holds it may have begun in an earlier slot: then it is the last one before this slot's.
  let low = slots[slot]!
  let high = slots[slot + 1]! - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    if (begins[middle]! <= key) low = middle + 1
    else high = middle - 1
  }
  return high >= 0 && key <= ends[high]! ? values[high]! : null
}
