/** Bringing what another tool watches over to this one: `npm run -s watch -- import …`. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GuardedRequestError, sendGuarded } from '../../../kit/network/guarded-request.ts'
import type { WatchCtx } from '../../app/context.ts'
import { ImportError, parseJson, type LeftOut, type Wishes } from './draft.ts'
import { keepIncidents } from './keep-incidents.ts'
import { readStatuspage } from './statuspage.ts'
import { readUptimeKuma } from './uptime-kuma.ts'
import { renderDraft, writeDraft } from './write-draft.ts'

export { ImportError } from './draft.ts'

export const IMPORT_KINDS = ['uptime-kuma', 'statuspage'] as const
export type ImportKind = (typeof IMPORT_KINDS)[number]

export const IMPORT_MAX_BYTES = 16 * 1024 * 1024
const TIMEOUT_MS = 20_000

export interface ImportInput {
  readonly kind: ImportKind
  /** A file, or for a Statuspage the address of the page. */
  readonly source: string
  /** Where the service's file goes. */
  readonly dir: string
  readonly wishes: Wishes
}

export interface Imported {
  readonly path: string
  readonly serviceId: string
  readonly features: number
  readonly monitors: number
  /** Null: this kind of source has none. */
  readonly incidents: { readonly added: number; readonly known: number } | null
  readonly leftOut: readonly LeftOut[]
}

/**
 * Writes a service's file, and the past incidents of a Statuspage into the store. Nothing that exists is changed.
 *
 * @throws {ImportError} when the source can't be read, or the file or the service exists already
 */
export async function importService(ctx: WatchCtx, input: ImportInput): Promise<Imported> {
  const { kind, source, wishes } = input
  const page = kind === 'statuspage' ? readStatuspage(await fetchStatuspage(source), source, wishes) : null
  const { draft, leftOut } = page ?? readUptimeKuma(await readSource(source), source, wishes)
  if (ctx.catalog.find(draft.id))
    throw new ImportError(`A service ${draft.id} is described already. Say another id: --id ID`)
  const path = resolve(input.dir, `${draft.id}.yaml`)
  if (await stat(path).catch(() => null))
    throw new ImportError(
      `${path} exists already, and stays as it is. Move it away, or say another id: --id ID`,
    )
  const text = renderDraft(draft, source, leftOut)
  // The file comes last: what fails before it can simply be done again.
  const incidents = page && (await keepIncidents(ctx, page))
  await writeDraft(path, text)
  return {
    path,
    serviceId: draft.id,
    features: draft.features.length,
    monitors: draft.monitors.length,
    incidents,
    leftOut,
  }
}

/** What was done, in lines for a person. */
export function describeImported({
  path,
  serviceId,
  features,
  monitors,
  incidents,
  leftOut,
}: Imported): string[] {
  return [
    `${path}: service ${serviceId}, ${features} features, ${monitors} monitors`,
    ...(incidents ? [`${incidents.added} past incidents kept, ${incidents.known} were there before`] : []),
    ...(leftOut.length > 0 ? [`Not carried over (${leftOut.length}):`] : []),
    ...leftOut.map(({ what, why }) => `  ${what}: ${why}`),
  ]
}

async function fetchStatuspage(source: string): Promise<unknown> {
  if (!/^https?:\/\//.test(source)) return parseJson(await readSource(source), source)
  const base = source.replace(/\/(api\/v2\/[\w/-]+\.json)?$/, '')
  const [summary, incidents] = await Promise.all([
    fetchJson(`${base}/api/v2/summary.json`),
    fetchJson(`${base}/api/v2/incidents.json`),
  ])
  return { ...(summary as object), incidents: (incidents as { incidents?: unknown }).incidents }
}

/** The person who asks named the address, so it may be a private one; where it leads further is theirs to name, too. */
async function fetchJson(url: string): Promise<unknown> {
  try {
    const { status, headers, body, isBodyCut } = await sendGuarded({
      url,
      timeoutMs: TIMEOUT_MS,
      maxBodyBytes: IMPORT_MAX_BYTES,
      allowPrivate: true,
      headers: { accept: 'application/json' },
    })
    if (isBodyCut) throw new ImportError(`${url} answers more than ${IMPORT_MAX_BYTES} bytes.`)
    if (status >= 300 && status < 400 && headers.location)
      throw new ImportError(`${url} leads to ${headers.location}: name that address instead.`)
    if (status !== 200) throw new ImportError(`${url} answers ${status}.`)
    return parseJson(body.toString('utf8'), url)
  } catch (error) {
    if (error instanceof GuardedRequestError)
      throw new ImportError(`${url} can not be had: ${error.message}`, { cause: error })
    throw error
  }
}

async function readSource(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > IMPORT_MAX_BYTES)
      throw new ImportError(`${path} has ${size} bytes; ${IMPORT_MAX_BYTES} are read.`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof ImportError) throw error
    throw new ImportError(`${path} can not be read: ${(error as Error).message}`, { cause: error })
  }
}
