/**
 * A file that tells of a password's SHA-1 whether it may be in a list that leaked: a Bloom filter in blocks of a cache line
 * (Putze, Sanders, Singler 2007), read from disk as it is asked. What is in the list is always found; of what is not, about
 * FALSE_POSITIVE_RATE is found, too.
 *
 * Layout: 64 bytes of header (magic, blocks, entries, in little endian), then blocks of 64 bytes.
 */
import { createReadStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { writeWhole } from '../../../../kit/files/durable-file.ts'
import type { Log } from '../../../../kit/log.ts'

const MAGIC = 'UPBTPWF1'
const HEADER_BYTES = 64
const BLOCK_BYTES = 64
const BLOCK_BITS = BLOCK_BYTES * 8
/** At 16 bits an entry and 8 of them set; measured by its test. */
export const FALSE_POSITIVE_RATE = 0.002
const BITS_PER_ENTRY = 16
const PROBES = 8
const SHA1_BYTES = 20

export interface PasswordFilter {
  /** Whether the list may have it. False without a file, or with one that can't be read. */
  mayHave(sha1: Buffer): Promise<boolean>
}

/** Opens nothing yet; looks for another file at each question, so that an import needs no restart. */
export function openPasswordFilter(path: string, log: Pick<Log, 'warn'>): PasswordFilter {
  return {
    async mayHave(sha1) {
      try {
        await using file = await open(path, 'r')
        const blocks = await readBlocks(file)
        const block = Buffer.alloc(BLOCK_BYTES)
        const { bytesRead } = await file.read(
          block,
          0,
          BLOCK_BYTES,
          HEADER_BYTES + blockOf(sha1, blocks) * BLOCK_BYTES,
        )
        if (bytesRead < BLOCK_BYTES) throw new Error('The filter of passwords is cut off.')
        return bitsOf(sha1).every((bit) => (block[bit >> 3]! & (1 << (bit & 7))) !== 0)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          log.warn({ err: error }, 'accounts.password-filter-unreadable')
        return false
      }
    },
  }
}

async function readBlocks(file: FileHandle): Promise<number> {
  const header = Buffer.alloc(HEADER_BYTES)
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0)
  if (bytesRead < HEADER_BYTES || header.toString('latin1', 0, 8) !== MAGIC)
    throw new Error('This is no filter of passwords.')
  return header.readUInt32LE(8)
}

export interface Imported {
  readonly entries: number
  readonly skippedLines: number
  readonly sizeBytes: number
}

/**
 * Makes the filter of a list: lines of SHA-1 in hex, with or without `:count`, as Have I Been Pwned's downloader writes them; or
 * (`isPlain`) of passwords. Takes 2 bytes of memory a line. The filter is there whole, or as it was.
 *
 * @throws when no line is one
 */
export async function importPasswords(input: {
  readonly from: string
  readonly to: string
  readonly hash: (password: string) => Buffer
  readonly isPlain: boolean
}): Promise<Imported> {
  // By the shortest lines that there can be: too large a filter is only more exact.
  const { size } = await stat(input.from)
  const lines = Math.max(1, Math.ceil(size / (input.isPlain ? 6 : 41)))
  const blocks = Math.ceil((lines * BITS_PER_ENTRY) / BLOCK_BITS)
  const filter = Buffer.alloc(HEADER_BYTES + blocks * BLOCK_BYTES)
  let [entries, skippedLines] = [0, 0]
  for await (const line of createInterface({ input: createReadStream(input.from), crlfDelay: Infinity })) {
    const sha1 = input.isPlain ? (line === '' ? null : input.hash(line)) : readHash(line)
    if (sha1 === null) skippedLines++
    else {
      entries++
      const start = HEADER_BYTES + blockOf(sha1, blocks) * BLOCK_BYTES
      for (const bit of bitsOf(sha1)) filter[start + (bit >> 3)]! |= 1 << (bit & 7)
    }
  }
  if (entries === 0) throw new Error('No line of the file is a SHA-1 in hex.')
  filter.write(MAGIC, 0, 'latin1')
  filter.writeUInt32LE(blocks, 8)
  filter.writeUInt32LE(entries, 12)
  await writeWhole(input.to, filter)
  return { entries, skippedLines, sizeBytes: filter.length }
}

function readHash(line: string): Buffer | null {
  const hex = line.split(':', 1)[0]!.trim()
  return hex.length === SHA1_BYTES * 2 && /^[\da-f]+$/i.test(hex) ? Buffer.from(hex, 'hex') : null
}

/** Its first bytes are as good as chance. */
const blockOf = (sha1: Buffer, blocks: number): number => sha1.readUInt32LE(0) % blocks

/** Nine bits each out of the other sixteen bytes. */
function bitsOf(sha1: Buffer): number[] {
  return Array.from({ length: PROBES }, (_, at) => sha1.readUInt16LE(4 + 2 * at) % BLOCK_BITS)
}
