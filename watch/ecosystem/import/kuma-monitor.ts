/** One monitor of Uptime Kuma as one of ours, or the reason why there is none. Pure. */
import { STATUS_CODES } from 'node:http'
import { isIP } from 'node:net'
import { z } from 'zod'
import { isPublicAddress } from '../../../kit/network/public-address.ts'
import { Monitor } from '../../configuration/index.ts'
import { hasVariable } from './draft.ts'

const Text = z.string().nullish()
const Count = z.coerce.number().nullish()
const Flag = z.union([z.boolean(), z.number()]).nullish().transform(Boolean)

/** The fields that are read; an export has many more. */
export const KumaMonitor = z.object({
  id: z.union([z.number(), z.string()]),
  name: z.string().min(1),
  description: Text,
  parent: z.union([z.number(), z.string()]).nullish(),
  type: z.string(),
  active: z.union([z.boolean(), z.number()]).default(true).transform(Boolean),
  url: Text,
  method: Text,
  headers: Text,
  body: Text,
  httpBodyEncoding: Text,
  hostname: Text,
  port: Count,
  interval: Count,
  retryInterval: Count,
  timeout: Count,
  maxredirects: Count,
  accepted_statuscodes: z.array(z.string()).nullish(),
  ignoreTls: Flag,
  upsideDown: Flag,
  keyword: Text,
  invertKeyword: Flag,
  jsonPath: Text,
  jsonPathOperator: Text,
  expectedValue: Text,
  dns_resolve_server: Text,
  dns_resolve_type: Text,
  authMethod: Text,
  basic_auth_user: Text,
  basic_auth_pass: Text,
  proxyId: z.union([z.number(), z.string()]).nullish(),
})
export type KumaMonitor = z.infer<typeof KumaMonitor>

type Fields = Record<string, unknown>

/** Thrown inside only: this monitor can't be carried over. */
class NoCounterpart extends Error {}

const MAX_REDIRECTS = 10
/** What "any 2xx" is written as there. */
const ANY_SUCCESS = '200-299'
const BODY_TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  xml: 'text/xml',
  form: 'application/x-www-form-urlencoded',
}

/** The monitor's fields for a service's file, or why it has no counterpart. */
export function toMonitor(
  source: KumaMonitor,
  ids: { readonly id: string; readonly featureId: string },
): { readonly monitor: Fields } | { readonly why: string } {
  try {
    if (!source.active) throw new NoCounterpart('it is paused, and a monitor in a service’s file runs')
    if (source.upsideDown) throw new NoCounterpart('it counts failure as success (upside down)')
    if (source.proxyId) throw new NoCounterpart('it goes through a proxy')
    const monitor = dropUndefined({
      id: ids.id,
      ...kindOf(source),
      features: [ids.featureId],
      everyS: source.interval ?? undefined,
      retryS: source.retryInterval || undefined,
      timeoutS: source.timeout || undefined,
      ...(isPrivate(hostOf(source)) && { allowPrivate: true }),
    })
    if (hasVariable(monitor)) throw new NoCounterpart('it holds ${…}, which would stand for a variable here')
    const checked = Monitor.safeParse(monitor)
    if (checked.success) return { monitor }
    const { path, message } = checked.error.issues[0]!
    return { why: `${path.join('.')}: ${message}` }
  } catch (error) {
    if (error instanceof NoCounterpart) return { why: error.message }
    throw error
  }
}

function kindOf(source: KumaMonitor): Fields {
  switch (source.type) {
    case 'http':
      return httpOf(source, {})
    case 'keyword':
      return httpOf(source, { [source.invertKeyword ? 'lacks' : 'contains']: [source.keyword ?? ''] })
    case 'json-query':
      return httpOf(source, { json: [jsonCheckOf(source)] })
    case 'port':
      return { type: 'tcp', host: source.hostname, port: source.port }
    case 'ping':
      return { type: 'icmp', host: source.hostname }
    case 'dns':
      return dnsOf(source)
    default:
      throw new NoCounterpart(`checks of the kind ${source.type} do not exist here`)
  }
}

function httpOf(source: KumaMonitor, expect: Fields): Fields {
  if (source.authMethod && source.authMethod !== 'basic')
    throw new NoCounterpart(`it signs in by ${source.authMethod}`)
  const status = statusesOf(source.accepted_statuscodes ?? [ANY_SUCCESS])
  const expected = dropUndefined({ ...expect, status })
  const headers = headersOf(source)
  return dropUndefined({
    type: 'http',
    url: source.url,
    method: source.method && source.method !== 'GET' ? source.method : undefined,
    headers: Object.keys(headers).length > 0 ? headers : undefined,
    body: source.body || undefined,
    followRedirects: Math.min(source.maxredirects ?? MAX_REDIRECTS, MAX_REDIRECTS),
    verifyTls: source.ignoreTls ? false : undefined,
    expect: Object.keys(expected).length > 0 ? expected : undefined,
  })
}

function headersOf(source: KumaMonitor): Record<string, string> {
  const parsed = z.record(z.string(), z.string()).safeParse(source.headers ? tryJson(source.headers) : {})
  if (!parsed.success) throw new NoCounterpart('its headers are no JSON object of texts')
  const headers = parsed.data
  const has = (name: string) => Object.keys(headers).some((known) => known.toLowerCase() === name)
  const bodyType = BODY_TYPES[source.httpBodyEncoding || 'json']
  if (source.body && !has('content-type') && bodyType) headers['content-type'] = bodyType
  if (source.basic_auth_user && source.authMethod !== null && !has('authorization')) {
    const pair = `${source.basic_auth_user}:${source.basic_auth_pass ?? ''}`
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`
  }
  return headers
}

/** Undefined: any 2xx. A range stands for the codes in it that are registered. */
function statusesOf(accepted: readonly string[]): number[] | undefined {
  if (accepted.length === 1 && accepted[0] === ANY_SUCCESS) return undefined
  const codes = new Set<number>()
  for (const one of accepted) {
    const [, from, to] = /^(\d{3})(?:-(\d{3}))?$/.exec(one) ?? []
    if (from === undefined) throw new NoCounterpart(`it accepts the status ${one}`)
    if (to === undefined) codes.add(Number(from))
    else
      for (const code of Object.keys(STATUS_CODES).map(Number))
        if (code >= Number(from) && code <= Number(to)) codes.add(code)
  }
  return [...codes].sort((a, b) => a - b)
}

/** Only a plain path, as most are; a JSONata expression has no counterpart. */
function jsonCheckOf({ jsonPath, jsonPathOperator, expectedValue }: KumaMonitor): Fields {
  const path = (jsonPath ?? '')
    .replace(/^\$\.?/, '')
    .replace(/\[(\d+)\]/g, '.$1')
    .replace(/^\./, '')
  if (!/^[\w-]+(\.[\w-]+)*$/.test(path))
    throw new NoCounterpart(`its JSON query ${jsonPath} is no plain path`)
  const literal = (expectedValue ?? '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  switch (jsonPathOperator || '==') {
    case '==':
      return { path, matches: `^${literal}$` }
    case 'contains':
      return { path, matches: literal }
    default:
      throw new NoCounterpart(`its JSON query compares by ${jsonPathOperator}`)
  }
}

function dnsOf(source: KumaMonitor): Fields {
  const port = source.port && source.port !== 53 ? `:${source.port}` : ''
  const resolvers = (source.dns_resolve_server ?? '')
    .split(',')
    .map((resolver) => resolver.trim())
    .filter(Boolean)
    .map((resolver) => (isIP(resolver) === 6 && port ? `[${resolver}]${port}` : `${resolver}${port}`))
  return dropUndefined({
    type: 'dns',
    name: source.hostname,
    record: source.dns_resolve_type || 'A',
    resolvers: resolvers.length > 0 ? resolvers : undefined,
  })
}

const hostOf = ({ url, hostname }: KumaMonitor): string =>
  (url && URL.canParse(url) && ['http', 'https'].includes(new URL(url).protocol.replace(':', ''))
    ? new URL(url).hostname
    : (hostname ?? '')
  ).replace(/^\[|\]$/g, '')

/** Kuma checks whatever its machine reaches; here a private target has to be named as one. Link-local never is. */
function isPrivate(host: string): boolean {
  if (host === '' || /^(169\.254\.|fe80:)/i.test(host)) return false
  if (isIP(host)) return !isPublicAddress(host)
  return !host.includes('.') || /\.(local|localhost|internal|lan|home\.arpa)$/i.test(host)
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const dropUndefined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
