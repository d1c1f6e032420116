/** Reads the services' files, looks at them again every second, and keeps the last good text of each. */
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Log } from '../../kit/log.ts'
import { startRepeating } from '../../kit/repeat.ts'
import type { Catalog, CatalogFault } from './catalog.ts'
import { FILE_MAX_BYTES, parseEntry } from './parse-entry.ts'
import type { ServiceEntry } from './schema.ts'

export interface CatalogOptions {
  /** Single files that always count. */
  readonly files: readonly string[]
  /** A folder, all of whose `*.yaml` count; null: none. */
  readonly dir: string | null
  /** Where the last good text of each file is kept. */
  readonly lastGoodDir: string
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly log: Log
  /** @default 1000 */
  readonly lookAgainMs?: number
}

interface Known {
  /** Size and time of the text that was judged. */
  readonly stamp: string
  /** Null: it could not be read. */
  readonly text: string | null
  readonly entry: ServiceEntry | null
  readonly faults: readonly CatalogFault[]
}

const MISSING = 'missing'

/** Opens the catalogue. What can't be read is a fault to show, not a reason to stop. */
export async function openCatalog(options: CatalogOptions): Promise<Catalog & AsyncDisposable> {
  const { log } = options
  const known = new Map<string, Known>()
  const listeners = new Set<() => void>()
  let services: readonly ServiceEntry[] = []
  let byId = new Map<string, ServiceEntry>()
  let faults: readonly CatalogFault[] = []
  await mkdir(options.lastGoodDir, { recursive: true, mode: 0o700 })

  async function look(): Promise<void> {
    const paths = await listFiles(options)
    let isChanged = false
    for (const path of known.keys())
      if (!paths.includes(path)) {
        known.delete(path)
        isChanged = true
      }
    for (const path of paths) isChanged = (await judge(path)) || isChanged
    if (isChanged) publish(paths)
  }

  async function judge(path: string): Promise<boolean> {
    const before = known.get(path)
    const stamp = await stampOf(path)
    if (before?.stamp === stamp) return false
    // Deleted since its folder was listed: the next look finds it gone.
    if (stamp === MISSING && !options.files.includes(path)) return false
    const text = await readText(path)
    if (before && typeof text === 'string' && text === before.text) {
      // Touched, or read while it was being put in place: the same text is no change.
      known.set(path, { ...before, stamp })
      return false
    }
    const file = basename(path)
    const judged =
      typeof text === 'string'
        ? parseEntry(text, file, options.variables)
        : { entry: null, faults: [text.fault] as const }
    if (judged.entry) {
      known.set(path, { stamp, text: text as string, entry: judged.entry, faults: [] })
      await keepGood(options.lastGoodDir, file, text as string).catch((error: unknown) =>
        log.warn({ err: error, file }, 'catalog.last-good-not-kept'),
      )
    } else {
      const entry = before?.entry ?? (await readGood(options, file))
      known.set(path, { stamp, text: typeof text === 'string' ? text : null, entry, faults: judged.faults })
      log.error({ file, faults: judged.faults, isLastGoodInForce: entry !== null }, 'catalog.refused')
    }
    return true
  }

  /** Services and faults change together, for whoever looks in between. */
  function publish(paths: readonly string[]): void {
    const found = paths.flatMap((path) => {
      const entry = known.get(path)?.entry
      return entry ? [{ path, entry }] : []
    })
    const firstPath = new Map<string, string>()
    const clashes: CatalogFault[] = []
    for (const { path, entry } of found) {
      const first = firstPath.get(entry.id)
      if (first === undefined) firstPath.set(entry.id, path)
      else
        clashes.push({
          file: basename(path),
          line: null,
          column: null,
          message: `The service ${entry.id} is described in ${basename(first)} already.`,
          remedy: 'Give this one another id, or remove one of the files.',
        })
    }
    faults = [...known.values()].flatMap((each) => each.faults).concat(clashes)
    services = found.filter(({ path, entry }) => firstPath.get(entry.id) === path).map(({ entry }) => entry)
    byId = new Map(services.map((entry) => [entry.id, entry]))
    for (const listener of listeners) {
      try {
        listener()
      } catch (error) {
        log.error({ err: error }, 'catalog.listener-failed')
      }
    }
  }

  await look()
  const looking = startRepeating({
    intervalMs: options.lookAgainMs ?? 1_000,
    work: look,
    onError: (error) => log.warn({ err: error }, 'catalog.not-read'),
  })
  return {
    services: () => services,
    find: (id) => byId.get(id),
    faults: () => faults,
    onChange(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  }
}

async function listFiles({ files, dir }: CatalogOptions): Promise<string[]> {
  if (dir === null) return [...files]
  const names = await readdir(dir).catch(() => [])
  return [
    ...files,
    ...names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(dir, name)),
  ]
}

async function stampOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null)
  return found ? `${found.ino}:${found.size}:${found.mtimeMs}` : MISSING
}

async function readText(path: string): Promise<string | { fault: CatalogFault }> {
  const fault = (message: string, remedy: string) => ({
    fault: { file: basename(path), line: null, column: null, message, remedy },
  })
  try {
    const { size } = await stat(path)
    if (size > FILE_MAX_BYTES)
      return fault(`The file has ${size} bytes; ${FILE_MAX_BYTES} are read.`, 'Split the service in several.')
    return await readFile(path, 'utf8')
  } catch (error) {
    return fault(
      `It can not be read: ${(error as Error).message}`,
      'See that it exists and that the watch may read it.',
    )
  }
}

async function keepGood(dir: string, file: string, text: string): Promise<void> {
  await writeFile(join(dir, `${file}.unfinished`), text, { mode: 0o600 })
  await rename(join(dir, `${file}.unfinished`), join(dir, file))
}

async function readGood(
  { lastGoodDir, variables }: CatalogOptions,
  file: string,
): Promise<ServiceEntry | null> {
  const text = await readFile(join(lastGoodDir, file), 'utf8').catch(() => null)
  return text === null ? null : parseEntry(text, file, variables).entry
}
