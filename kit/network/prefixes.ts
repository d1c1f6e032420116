/** Networks as prefixes: what an address lies in, and sets of them that answer at once whatever their size. */
import { isIP } from 'node:net'
import { networkOf } from './network-of.ts'

export interface Prefixes {
  /** The address for IPv4; the /64 for IPv6, which is one line's. */
  readonly line: string
  /** The /24 for IPv4, the /48 for IPv6: what one household, company or rented rack has at most (RFC 6177). */
  readonly site: string
}

/** What limits count an address by. */
export function prefixesOf(address: string): Prefixes {
  const line = networkOf(address)
  if (!line.endsWith('::/64')) return { line, site: `${line.slice(0, line.lastIndexOf('.'))}.0/24` }
  return { line, site: `${line.slice(0, -'::/64'.length).split(':').slice(0, 3).join(':')}::/48` }
}

export interface Network {
  /** Canonical: `192.0.2.0/24`, `2001:db8::/48`; without a length where it is one address. */
  readonly text: string
  readonly bits: number
  readonly version: 4 | 6
}

/** An address or a network in CIDR notation; what lies beyond the length is cut off. Null: it is neither. */
export function readNetwork(text: string): Network | null {
  const [address, length, ...rest] = text.trim().split('/') as [string, ...string[]]
  if (rest.length > 0 || address.includes('%')) return null
  const words = wordsOf(address)
  if (!words) return null
  const whole = words.version === 4 ? 32 : 128
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null
  const bits = length === undefined ? whole : Number(length)
  if (bits > whole) return null
  const cut = cutTo(words, bits)
  const name = words.version === 4 ? nameOfV4(cut) : nameOfV6(cut)
  return { text: bits === whole ? name : `${name}/${bits}`, bits, version: words.version }
}

export interface NetworkMap<Value> {
  set(network: string, value: Value): void
  delete(network: string): boolean
  /** What is said of the smallest network that the address lies in; undefined: nothing. */
  find(address: string): Value | undefined
  get(network: string): Value | undefined
  entries(): IterableIterator<[string, Value]>
  readonly size: number
}

/** By canonical networks. A look-up costs one of a hash table for each length of prefix that occurs. */
export function createNetworkMap<Value>(): NetworkMap<Value> {
  const byText = new Map<string, Value>()
  const tables = { 4: createTables<Value>(), 6: createTables<Value>() }
  const placeOf = (text: string) => {
    const network = readNetwork(text)
    if (!network) throw new TypeError(`${text} is no network.`)
    const words = wordsOf(network.text.split('/')[0]!)!
    return { network, key: keyOf(cutTo(words, network.bits)) }
  }
  return {
    set(text, value) {
      const { network, key } = placeOf(text)
      byText.set(network.text, value)
      tables[network.version].at(network.bits).set(key, value)
    },
    delete(text) {
      const { network, key } = placeOf(text)
      tables[network.version].remove(network.bits, key)
      return byText.delete(network.text)
    },
    find(address) {
      if (byText.size === 0) return undefined
      const words = wordsOf(address)
      return words ? tables[words.version].find(words) : undefined
    },
    get: (text) => byText.get(readNetwork(text)?.text ?? ''),
    entries: () => byText.entries(),
    get size() {
      return byText.size
    },
  }
}

/** One hash table for each length that occurs, the longest first. */
function createTables<Value>() {
  const tables: { bits: number; byKey: Map<string | number, Value> }[] = []
  return {
    at(bits: number): Map<string | number, Value> {
      let table = tables.find((each) => each.bits === bits)
      if (!table) {
        tables.push((table = { bits, byKey: new Map() }))
        tables.sort((a, b) => b.bits - a.bits)
      }
      return table.byKey
    },
    remove(bits: number, key: string | number): void {
      const at = tables.findIndex((each) => each.bits === bits)
      if (at < 0) return
      tables[at]!.byKey.delete(key)
      if (tables[at]!.byKey.size === 0) tables.splice(at, 1)
    },
    find(words: Words): Value | undefined {
      for (const { bits, byKey } of tables) {
        const value = byKey.get(keyOf(cutTo(words, bits)))
        if (value !== undefined) return value
      }
      return undefined
    },
  }
}

/** An address as whole numbers: one of 32 bits, or eight of 16. */
interface Words {
  readonly version: 4 | 6
  readonly words: readonly number[]
}

const keyOf = ({ words }: Words): string | number => (words.length === 1 ? words[0]! : words.join(':'))

function cutTo({ version, words }: Words, bits: number): Words {
  const width = version === 4 ? 32 : 16
  return {
    version,
    words: words.map((word, index) => {
      const kept = Math.max(0, Math.min(width, bits - index * width))
      return kept === 0 ? 0 : (word & (-1 << (width - kept)) & (2 ** width - 1)) >>> 0
    }),
  }
}

function wordsOf(address: string): Words | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  const text = mapped ? mapped[1]! : address
  const version = isIP(text)
  if (version === 4) {
    const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number]
    return { version, words: [((a << 24) | (b << 16) | (c << 8) | d) >>> 0] }
  }
  return version === 6 ? { version, words: groupsOf(text) } : null
}

/** Of a valid IPv6 address (RFC 4291, 2.2), its last 32 bits written as IPv4 or not. */
function groupsOf(address: string): number[] {
  const text = address
    .split('%', 1)[0]!
    .replace(
      /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
      (_all, a, b, c, d) => `${((+a << 8) | +b).toString(16)}:${((+c << 8) | +d).toString(16)}`,
    )
  const [head, tail] = text.split('::') as [string, string?]
  const read = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [before, after] = [read(head), read(tail ?? '')]
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<number>(zeros).fill(0), ...after]
}

const nameOfV4 = ({ words: [word = 0] }: Words): string =>
  [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.')

/** As RFC 5952 has it: the longest run of zeros is left out. */
function nameOfV6({ words }: Words): string {
  const full = words.map((word) => word.toString(16)).join(':')
  const runs = [...full.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].toSorted((a, b) => b[0].length - a[0].length)
  const longest = runs[0]
  if (!longest) return full
  const before = full.slice(0, longest.index)
  const after = full.slice(longest.index + longest[0].length)
  return `${before}::${after.replace(/^:/, '')}`
}
