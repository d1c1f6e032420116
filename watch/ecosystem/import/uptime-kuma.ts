/** Uptime Kuma's JSON export (settings, backup) as a service: groups stay groups, each monitor is a feature with its check. Pure. */
import { z } from 'zod'
import {
  createIds,
  ImportError,
  parseJson,
  plainText,
  slugOf,
  type Draft,
  type DraftFeature,
  type LeftOut,
  type Wishes,
} from './draft.ts'
import { KumaMonitor, toMonitor } from './kuma-monitor.ts'

const List = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown()).transform(Object.values)])
const Named = z.object({ name: z.string() })
/** Version 1 exports a list, the socket API of later ones an object by id. */
const Export = z.object({
  monitorList: List,
  notificationList: List.default([]),
  proxyList: List.default([]),
})

const DESCRIPTION_MAX_LENGTH = 300

/**
 * Reads an export.
 *
 * @throws {ImportError} when it is none, or nothing in it can be carried over
 */
export function readUptimeKuma(
  text: string,
  source: string,
  wishes: Wishes,
): { readonly draft: Draft; readonly leftOut: readonly LeftOut[] } {
  const parsed = Export.safeParse(parseJson(text, source))
  if (!parsed.success)
    throw new ImportError(`${source} is no export of Uptime Kuma: it has no monitorList that could be read.`)
  const { monitors, groupOf, leftOut } = sortOut(parsed.data)
  const featureId = createIds('feature')
  const features: DraftFeature[] = []
  const checks: Record<string, unknown>[] = []
  for (const monitor of monitors) {
    const id = featureId(monitor.name)
    const made = toMonitor(monitor, { id, featureId: id })
    if ('why' in made) {
      leftOut.push({ what: `monitor "${plainText(monitor.name)}"`, why: made.why })
      continue
    }
    const group = groupOf(monitor)
    features.push({
      id,
      name: plainText(monitor.name),
      ...(monitor.description && { description: plainText(monitor.description, DESCRIPTION_MAX_LENGTH) }),
      ...(group && { group }),
    })
    checks.push(made.monitor)
  }
  if (features.length === 0)
    throw new ImportError(
      [
        `${source} has nothing that can be carried over.`,
        ...leftOut.map(({ what, why }) => `${what}: ${why}`),
      ].join('\n'),
    )
  const name = plainText(wishes.name ?? 'Uptime Kuma')
  const url = wishes.url ?? originOf(checks)
  if (url === null)
    throw new ImportError(`${source} names no web address for the service as a whole: say one by --url URL`)
  return {
    draft: { id: wishes.id ?? (slugOf(name) || 'imported'), name, url, features, monitors: checks },
    leftOut,
  }
}

function sortOut(list: z.infer<typeof Export>) {
  const leftOut: LeftOut[] = []
  const all: KumaMonitor[] = []
  for (const [index, one] of list.monitorList.entries()) {
    const parsed = KumaMonitor.safeParse(one)
    if (parsed.success) all.push(parsed.data)
    else {
      const { path, message } = parsed.error.issues[0]!
      const name = Named.safeParse(one).data?.name ?? `number ${index + 1}`
      leftOut.push({ what: `monitor "${plainText(name)}"`, why: `${path.join('.') || 'it'}: ${message}` })
    }
  }
  for (const one of list.notificationList)
    leftOut.push({
      what: `notification "${plainText(Named.safeParse(one).data?.name ?? 'without a name')}"`,
      why: 'subscriptions are made at /s/SERVICE/subscribe, and confirmed by who receives them',
    })
  for (const one of list.proxyList)
    leftOut.push({
      what: `proxy "${plainText(z.object({ host: z.string() }).safeParse(one).data?.host ?? 'without a host')}"`,
      why: 'checks go out directly',
    })
  const byId = new Map(all.map((monitor) => [String(monitor.id), monitor]))
  return {
    leftOut,
    monitors: all.filter(({ type }) => type !== 'group'),
    /** The nearest one: groups within groups are one level here. */
    groupOf(monitor: KumaMonitor): string | null {
      const parent = monitor.parent ? byId.get(String(monitor.parent)) : undefined
      return parent?.type === 'group' ? plainText(parent.name) : null
    },
  }
}

function originOf(checks: readonly Readonly<Record<string, unknown>>[]): string | null {
  for (const { url } of checks) if (typeof url === 'string') return new URL(url).origin
  return null
}
