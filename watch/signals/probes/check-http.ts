/** The HTTP check: asks, then judges status, headers, body and JSON. */
import {
  GuardedRequestError,
  sendGuarded,
  type GuardedResponse,
} from '../../../kit/network/guarded-request.ts'
import { isIP } from 'node:net'
import { PrivateAddressError } from '../../../kit/network/guarded-lookup.ts'
import type { MonitorOf } from '../../configuration/index.ts'
import { looksLikeBlockPage } from './block-page.ts'
import {
  connectFailureOf,
  failedBy,
  lateFailureOf,
  ownFault,
  passed,
  roundPhases,
  type CheckLimits,
  type CheckResult,
} from './check-result.ts'
import { valueAt } from './json-path.ts'

const USER_AGENT = 'Upbeat-watch/1 (+outage monitor)'

/** Runs one HTTP check. Never throws. */
export async function checkHttp(
  monitor: MonitorOf<'http'>,
  signal?: AbortSignal,
  { allowPrivate = true }: CheckLimits = {},
): Promise<CheckResult> {
  try {
    const answer = await sendGuarded({
      url: monitor.url,
      method: monitor.method,
      headers: { 'user-agent': USER_AGENT, accept: '*/*', ...monitor.headers },
      body: monitor.body,
      timeoutMs: monitor.timeoutS * 1_000,
      maxBodyBytes: monitor.maxBodyBytes,
      maxRedirects: monitor.followRedirects,
      allowPrivate: monitor.allowPrivate && allowPrivate,
      verifyTls: monitor.verifyTls,
      ...(signal && { signal }),
    })
    return judge(monitor, answer)
  } catch (error) {
    if (error instanceof GuardedRequestError) return ofRequestError(error, monitor)
    return ownFault(`The check broke: ${(error as Error).message}`)
  }
}

/** What a request that got no answer says of its target. @param target as the monitor has it */
export function ofRequestError(
  error: GuardedRequestError,
  target: { readonly url: string; readonly allowPrivate: boolean },
): CheckResult {
  const rest = { durationMs: error.durationMs, phases: roundPhases({ ...error.phases }) }
  switch (error.kind) {
    case 'dns':
      return failedBy('dns-no-answer', error.message, rest)
    case 'private':
      if (error.cause instanceof PrivateAddressError && error.cause.isNeverAllowed)
        return ownFault(error.message)
      // The monitor allows it: it is this place that does not.
      if (target.allowPrivate)
        return ownFault(`${error.message} This agent may not go there (--allow-private).`)
      return ofPrivateTarget(error, target.url, rest)
    case 'connect':
      return failedBy(connectFailureOf(error.cause), error.message, rest)
    case 'timeout':
      return failedBy(lateFailureOf(error.phases), error.message, rest)
    case 'tls':
    case 'tls-expired':
      return failedBy(error.kind, error.message, rest)
    case 'protocol':
    case 'redirects':
      return failedBy('assertion', error.message, rest)
    case 'resolver':
    case 'aborted':
      return ownFault(error.message)
  }
}

/** A public name that leads to a private address was tampered with on its way here, or its zone is broken. */
function ofPrivateTarget(error: GuardedRequestError, url: string, rest: object): CheckResult {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
  if (error.redirects > 0) return failedBy('block-page', `A redirect: ${error.message}`, rest)
  if (isIP(host) !== 0 || /(?:^|\.)localhost$/i.test(host))
    return ownFault(`${error.message} Set allowPrivate if it is meant.`)
  return failedBy('dns-wrong-answer', error.message, rest)
}

function judge(monitor: MonitorOf<'http'>, answer: GuardedResponse): CheckResult {
  const rest = { durationMs: answer.durationMs, phases: roundPhases({ ...answer.phases }) }
  const { status } = answer
  const expected = monitor.expect.status ?? null
  const isStatusFine = expected ? expected.includes(status) : status >= 200 && status < 300
  if (!isStatusFine) {
    if (status === 451)
      return failedBy('blocked-by-law', 'It answers 451, unavailable for legal reasons.', rest)
    if (monitor.isStoreListing && (status === 404 || status === 410))
      return failedBy('store-listing-gone', `The listing answers ${status}.`, rest)
    if (looksLikeBlockPage(monitor.url, answer))
      return failedBy('block-page', `What answers ${status} is a block page, not the service.`, rest)
    if (status === 429 || (status === 503 && answer.headers['retry-after'] !== undefined))
      return failedBy('overloaded', `It answers ${status} and asks to come back later.`, rest)
    return failedBy(status >= 500 ? 'http-5xx' : 'http-4xx', `It answers ${status}.`, rest)
  }
  const complaint = findComplaint(monitor, answer)
  if (complaint === null) return passed(rest)
  if (looksLikeBlockPage(monitor.url, answer))
    return failedBy('block-page', `A block page answers ${status} in place of the service.`, rest)
  return failedBy('assertion', complaint, rest)
}

/** The first thing that was expected and does not hold; null: all hold. */
function findComplaint(monitor: MonitorOf<'http'>, answer: GuardedResponse): string | null {
  const { expect } = monitor
  for (const [name, pattern] of Object.entries(expect.headers)) {
    const value = answer.headers[name.toLowerCase()]
    if (!new RegExp(pattern, 'i').test(String(value ?? '')))
      return `The header ${name} is ${value === undefined ? 'missing' : 'another than expected'}.`
  }
  if (expect.maxDurationS !== undefined && answer.durationMs > expect.maxDurationS * 1_000)
    return `It took ${Math.round(answer.durationMs)} ms.`
  if (expect.contains.length + expect.lacks.length + expect.json.length === 0) return null
  const text = answer.body.toString('utf8')
  for (const part of expect.contains) if (!text.includes(part)) return `The body lacks "${part}".`
  for (const part of expect.lacks) if (text.includes(part)) return `The body has "${part}".`
  return expect.json.length > 0 ? findJsonComplaint(expect.json, text, answer.isBodyCut) : null
}

function findJsonComplaint(
  checks: MonitorOf<'http'>['expect']['json'],
  text: string,
  isCut: boolean,
): string | null {
  if (isCut) return 'The JSON is longer than maxBodyBytes.'
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return 'The body is no JSON.'
  }
  for (const { path, equals, matches, exists, minItems } of checks) {
    const value = valueAt(body, path)
    if (exists !== undefined && (value !== undefined) !== exists)
      return `${path} ${exists ? 'is missing' : 'is there'}.`
    if (equals !== undefined && value !== equals) return `${path} is another than expected.`
    if (matches !== undefined && !new RegExp(matches).test(asText(value))) return `${path} does not match.`
    if (minItems !== undefined && !(Array.isArray(value) && value.length >= minItems))
      return `${path} has fewer than ${minItems} item(s).`
  }
  return null
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
