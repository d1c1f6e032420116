/** The TLS check: the handshake, the chain, the name, and how long the certificate is good for. */
import { connect } from 'node:tls'
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
import { findTarget } from './check-tcp.ts'

const DAY_MS = 86_400_000
const EXPIRED = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

/** Runs one TLS check. Never throws. */
export async function checkTls(
  monitor: MonitorOf<'tls'>,
  signal: AbortSignal,
  nowMs: number,
): Promise<CheckResult> {
  const target = await findTarget(monitor.host, monitor.allowPrivate)
  if ('result' in target) return target.result
  const startedMs = performance.now()
  const phases: { dnsMs: number; connectMs?: number; tlsMs?: number } = { dnsMs: target.dnsMs }
  return new Promise((resolve) => {
    const servername = monitor.serverName ?? monitor.host
    const socket = connect({
      host: target.address.address,
      port: monitor.port,
      // An address is no name (RFC 6066, 3); its certificate is checked all the same.
      ...(/[a-z]/i.test(servername) && !servername.includes(':') && { servername }),
    })
    const end = (make: (rest: { durationMs: number; phases: Record<string, number> }) => CheckResult) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(make({ durationMs: performance.now() - startedMs, phases: roundPhases(phases) }))
    }
    const timer = setTimeout(
      () =>
        end((rest) => failedBy(lateFailureOf(phases), `No handshake within ${monitor.timeoutS} s.`, rest)),
      monitor.timeoutS * 1_000,
    )
    signal.addEventListener('abort', () => end(() => ownFault('The check was ended.')), { once: true })
    socket.once('connect', () => (phases.connectMs = performance.now() - startedMs))
    socket.once('secureConnect', () => {
      phases.tlsMs = performance.now() - startedMs - (phases.connectMs ?? 0)
      const daysLeft = (Date.parse(socket.getPeerCertificate().valid_to) - nowMs) / DAY_MS
      end((rest) =>
        daysLeft < monitor.minDaysLeft
          ? failedBy('tls-expired', `The certificate ends in ${daysLeft.toFixed(1)} days.`, rest)
          : passed(rest),
      )
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end((rest) => {
        if (EXPIRED.has(error.code ?? '')) return failedBy('tls-expired', error.message, rest)
        const failure = phases.connectMs === undefined ? connectFailureOf(error) : 'tls'
        return failedBy(failure, error.message, rest)
      }),
    )
  })
}
