/** The DNS check: asks several resolvers, and tells no answer from a wrong one. */
import { Resolver } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { isPublicAddress } from '../../../kit/network/public-address.ts'
import type { MonitorOf } from '../../configuration/index.ts'
import { failedBy, ownFault, passed, type CheckLimits, type CheckResult } from './check-result.ts'

type Answer =
  | { readonly kind: 'records'; readonly records: readonly string[] }
  /** The name does not exist, has no such record, or its servers fail. */
  | { readonly kind: 'nothing'; readonly code: string }
  /** The resolver itself did not answer: nothing was learnt of the name. */
  | { readonly kind: 'silent'; readonly code: string }

const NOTHING = new Set(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EREFUSED', 'ENONAME'])

/** Runs one DNS check. Never throws. */
export async function checkDns(
  monitor: MonitorOf<'dns'>,
  { allowPrivate = true }: CheckLimits = {},
): Promise<CheckResult> {
  const startedMs = performance.now()
  const inside = allowPrivate
    ? undefined
    : monitor.resolvers.find((one) => !isPublicAddress(withoutPort(one)))
  if (inside !== undefined)
    return ownFault(`The resolver ${inside} is not public. This agent may not go there (--allow-private).`)
  const resolvers = monitor.resolvers.length > 0 ? monitor.resolvers : [null]
  const answers = await Promise.all(resolvers.map((resolver) => ask(monitor, resolver)))
  const rest = { durationMs: performance.now() - startedMs, phases: {} }
  const heard = answers.filter(({ kind }) => kind !== 'silent')
  const quorum = Math.min(monitor.quorum ?? Math.floor(resolvers.length / 2) + 1, resolvers.length)
  if (heard.length === 0) return ownFault('No resolver answered.')

  const wrong = answers.flatMap((answer, index) => {
    const complaint = answer.kind === 'records' ? complaintOf(monitor, answer.records) : null
    return complaint === null ? [] : [`${resolvers[index] ?? 'the machine’s resolver'} ${complaint}`]
  })
  const nothing = answers.filter(({ kind }) => kind === 'nothing').length
  const good = heard.length - nothing - wrong.length
  if (good >= Math.min(quorum, heard.length)) return passed(rest)
  // Wrong answers beside right ones are somebody's doing on the way; nothing from all is the name's own fault.
  if (wrong.length > 0) return failedBy('dns-wrong-answer', `${monitor.name}: ${wrong.join('; ')}.`, rest)
  return failedBy(
    'dns-no-answer',
    `${nothing} of ${heard.length} resolvers know no ${monitor.record} of ${monitor.name}.`,
    rest,
  )
}

/** As `setServers` takes them: an address, `1.1.1.1:53` or `[2606:4700:4700::1111]:53`. */
const withoutPort = (resolver: string): string =>
  isIP(resolver) === 0 ? resolver.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') : resolver

async function ask(monitor: MonitorOf<'dns'>, address: string | null): Promise<Answer> {
  const resolver = new Resolver({ timeout: (monitor.timeoutS * 1_000) / 2, tries: 2 })
  try {
    if (address !== null) resolver.setServers([address])
    const records = await resolver.resolve(monitor.name, monitor.record)
    return { kind: 'records', records: (records as unknown[]).map(textOf) }
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'EUNKNOWN'
    return { kind: NOTHING.has(code) ? 'nothing' : 'silent', code }
  }
}

/** MX has a priority and TXT comes in pieces; the rest are texts. */
function textOf(record: unknown): string {
  if (typeof record === 'string') return record
  if (Array.isArray(record)) return record.join('')
  const { exchange } = record as { exchange?: unknown }
  return typeof exchange === 'string' ? exchange : JSON.stringify(record)
}

function complaintOf(monitor: MonitorOf<'dns'>, records: readonly string[]): string | null {
  if (monitor.expectAny.length > 0) {
    const isExpected = records.some((record) => monitor.expectAny.some((wanted) => matches(record, wanted)))
    return isExpected ? null : `says ${records.slice(0, 3).join(', ')}`
  }
  const isAddress = monitor.record === 'A' || monitor.record === 'AAAA'
  // Block pages and sinkholes live at private and reserved addresses.
  if (isAddress && !monitor.allowPrivate && !records.some((record) => isPublicAddress(record)))
    return `says ${records.slice(0, 3).join(', ')}, which is not public`
  return null
}

function matches(record: string, wanted: string): boolean {
  const [network, prefix] = wanted.split('/') as [string, string?]
  const family = isIP(network)
  if (prefix === undefined || family === 0) return record.toLowerCase() === wanted.toLowerCase()
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
  return isIP(record) === family && list.check(record, family === 4 ? 'ipv4' : 'ipv6')
}
