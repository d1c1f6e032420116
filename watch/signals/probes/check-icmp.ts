/** The ICMP check, by the machine's own ping: raw sockets are not for us. Where it is missing or forbidden, nothing is learnt. */
import { spawn } from 'node:child_process'
import { isIP } from 'node:net'
import type { MonitorOf } from '../../configuration/index.ts'
import { failedBy, ownFault, passed, type CheckResult } from './check-result.ts'
import { findTarget } from './check-tcp.ts'

/** Runs one ICMP check. Never throws. */
export async function checkIcmp(monitor: MonitorOf<'icmp'>, signal: AbortSignal): Promise<CheckResult> {
  const target = await findTarget(monitor.host, monitor.allowPrivate)
  if ('result' in target) return target.result
  const { address } = target.address
  const said = await ping(address, monitor, signal)
  if (said === null) return ownFault('There is no ping here, or it may not send.')
  return judgePing(said, monitor)
}

/** Reads what iputils and busybox print. */
export function judgePing(
  said: string,
  monitor: Pick<MonitorOf<'icmp'>, 'maxLossFraction' | 'host'>,
): CheckResult {
  const loss = /([\d.]+)% packet loss/.exec(said)?.[1]
  if (loss === undefined) return ownFault('What ping says can not be read.')
  const average = /= [\d.]+\/([\d.]+)\//.exec(said)?.[1]
  const rest = { durationMs: average === undefined ? null : Number(average) }
  const lossFraction = Number(loss) / 100
  if (lossFraction === 1) return failedBy('timeout', `${monitor.host} answers no echo.`, rest)
  return lossFraction > monitor.maxLossFraction
    ? failedBy('timeout', `${monitor.host} loses ${loss} % of echoes.`, rest)
    : passed(rest)
}

function ping(address: string, monitor: MonitorOf<'icmp'>, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const family = isIP(address) === 6 ? '-6' : '-4'
    const waitS = Math.max(1, Math.floor(monitor.timeoutS / monitor.packets))
    const child = spawn(
      'ping',
      [family, '-n', '-q', '-c', String(monitor.packets), '-W', String(waitS), '--', address],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: monitor.timeoutS * 1_000 + 1_000,
        killSignal: 'SIGKILL',
        signal,
      },
    )
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_096)))
    child.once('error', () => resolve(null))
    // 0: an answer, 1: none; anything else: it could not try.
    child.once('close', (code) => resolve(code === 0 || code === 1 ? said : null))
  })
}
