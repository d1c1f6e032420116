/** What operators ordered, who, why and what came of it: one line each, only ever added to. */
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AuditEntry } from '../../../contract/operations.ts'

/** Of the file's end that is read; some hundreds of entries. */
const READ_MAX_BYTES = 512 * 1024

export interface Audit {
  /** Settles when it is on the disk. @throws when it could not be written */
  add(entry: AuditEntry): Promise<void>
  /** The newest first. What was cut off in the middle by a crash is left out. */
  latest(limit: number): Promise<AuditEntry[]>
}

/** Prepares the file `logs/audit.jsonl`; it is made with the first entry. */
export function openAudit(dataDir: string): Audit {
  const path = join(dataDir, 'logs', 'audit.jsonl')
  let writing: Promise<unknown> = Promise.resolve()
  return {
    add(entry) {
      const written = writing.then(() => appendLine(path, JSON.stringify(entry)))
      writing = written.catch(() => {})
      return written
    },
    latest: async (limit) => (await readEnd(path)).slice(-limit).toReversed(),
  }
}

async function appendLine(path: string, line: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a+', 0o600)
  try {
    const { size } = await file.stat()
    const last = size > 0 ? await file.read(Buffer.alloc(1), 0, 1, size - 1) : null
    // A line that a crash had cut off ends before ours begins.
    const isTorn = last !== null && last.buffer[0] !== 10
    await file.appendFile(`${isTorn ? '\n' : ''}${line}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
}

async function readEnd(path: string): Promise<AuditEntry[]> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (!file) return []
  try {
    const { size } = await file.stat()
    const length = Math.min(size, READ_MAX_BYTES)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    const lines = buffer.toString('utf8').split('\n')
    return lines.map(parseEntry).filter((entry) => entry !== null)
  } finally {
    await file.close()
  }
}

function parseEntry(line: string): AuditEntry | null {
  try {
    return AuditEntry.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}
