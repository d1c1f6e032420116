/** The TCP check: connects, says something if asked to, and looks at what comes back. */
import { connect } from 'node:net'
import { isMetadataAddress, isPublicAddress } from '../../../kit/network/public-address.ts'
import { resolveHost, ResolveError, type HostAddress } from '../../../kit/network/resolve-host.ts'
import type { MonitorOf } from '../../configuration/index.ts'
import {
  connectFailureOf,
  failedBy,
  lateFailureOf,
  ownFault,
  passed,
  roundPhases,
  type CheckResult,
} from './check-result.ts'

const READ_MAX_BYTES = 16_384

/** Where a check may go; or the result that says why it may not. */
export async function findTarget(
  host: string,
  allowPrivate: boolean,
): Promise<{ readonly address: HostAddress; readonly dnsMs: number } | { readonly result: CheckResult }> {
  const startedMs = performance.now()
  try {
    const found = await resolveHost(host)
    const dnsMs = performance.now() - startedMs
    const address = found.find((one) =>
      allowPrivate ? !isMetadataAddress(one.address) : isPublicAddress(one.address),
    )
    if (address) return { address, dnsMs }
    if (allowPrivate) return { result: ownFault(`${host} is link-local, or tells a cloud’s secrets.`) }
    return {
      result: ownFault(
        `${host} is in a private range. If it is meant: allowPrivate of the monitor, and --allow-private of an agent.`,
      ),
    }
  } catch (error) {
    if (error instanceof ResolveError && error.kind === 'no-answer')
      return { result: failedBy('dns-no-answer', error.message) }
    return { result: ownFault((error as Error).message) }
  }
}

/** Runs one TCP check. Never throws. */
export async function checkTcp(monitor: MonitorOf<'tcp'>, signal: AbortSignal): Promise<CheckResult> {
  const target = await findTarget(monitor.host, monitor.allowPrivate)
  if ('result' in target) return target.result
  const startedMs = performance.now()
  const phases: { dnsMs: number; connectMs?: number; firstByteMs?: number } = { dnsMs: target.dnsMs }
  return new Promise((resolve) => {
    const socket = connect({ host: target.address.address, port: monitor.port })
    let heard = ''
    const end = (make: (rest: { durationMs: number; phases: Record<string, number> }) => CheckResult) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(make({ durationMs: performance.now() - startedMs, phases: roundPhases(phases) }))
    }
    const timer = setTimeout(
      () => end((rest) => failedBy(lateFailureOf(phases), `Nothing within ${monitor.timeoutS} s.`, rest)),
      monitor.timeoutS * 1_000,
    )
    signal.addEventListener('abort', () => end(() => ownFault('The check was ended.')), { once: true })
    socket.setEncoding('utf8')
    socket.once('connect', () => {
      phases.connectMs = performance.now() - startedMs
      if (monitor.send !== null) socket.write(monitor.send)
      if (monitor.expectText === null) end((rest) => passed(rest))
    })
    socket.on('data', (text: string) => {
      phases.firstByteMs ??= performance.now() - startedMs
      heard = (heard + text).slice(-READ_MAX_BYTES)
      if (monitor.expectText !== null && heard.includes(monitor.expectText)) end((rest) => passed(rest))
    })
    socket.once('end', () =>
      end((rest) => failedBy('assertion', 'It closed without what was expected.', rest)),
    )
    socket.once('error', (error) => end((rest) => failedBy(connectFailureOf(error), error.message, rest)))
  })
}
