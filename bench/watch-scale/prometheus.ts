/** Prometheus with its blackbox exporter, as Debian packages them, set to ask the same of the same. */
import { access, constants, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort } from '../../kit/network/free-port.ts'
import { killChild, MEASURED_CORE, startProgram } from '../../tests/rig/children.ts'
import { EVERY_S, MONITORS, TIMEOUT_S, urlOf } from './target.ts'

const PROGRAMS = ['prometheus', 'prometheus-blackbox-exporter']
const READY_TIMEOUT_MS = 60_000

export const HOW_TO_INSTALL = `apt-get install --no-install-recommends ${PROGRAMS.join(' ')}`

export interface RunningPrometheus extends AsyncDisposable {
  readonly pids: readonly number[]
}

/** Whether both are installed. */
export async function isPrometheusHere(): Promise<boolean> {
  const dirs = (process.env['PATH'] ?? '').split(delimiter)
  const found = PROGRAMS.map((program) =>
    Promise.any(dirs.map((dir) => access(join(dir, program), constants.X_OK))).then(
      () => true,
      () => false,
    ),
  )
  return (await Promise.all(found)).every(Boolean)
}

/** Starts both on the measured core. Answers once they are ready. */
export async function startPrometheus(dir: string, targetPort: number): Promise<RunningPrometheus> {
  await mkdir(dir, { recursive: true })
  const [port, blackboxPort] = [await findFreePort(), await findFreePort()]
  const blackboxFile = join(dir, 'blackbox.yml')
  const prometheusFile = join(dir, 'prometheus.yml')
  await writeFile(blackboxFile, JSON.stringify(BLACKBOX))
  await writeFile(prometheusFile, JSON.stringify(describeScrapes(blackboxPort, targetPort)))
  const blackbox = startProgram(
    [
      PROGRAMS[1]!,
      `--config.file=${blackboxFile}`,
      `--web.listen-address=127.0.0.1:${blackboxPort}`,
      '--log.level=error',
    ],
    MEASURED_CORE,
  )
  const prometheus = startProgram(
    [
      PROGRAMS[0]!,
      `--config.file=${prometheusFile}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    MEASURED_CORE,
  )
  const end = async () => {
    await killChild(prometheus)
    await killChild(blackbox)
  }
  try {
    await waitFor(`http://127.0.0.1:${blackboxPort}/-/healthy`)
    await waitFor(`http://127.0.0.1:${port}/-/ready`)
  } catch (error) {
    await end()
    throw error
  }
  return { pids: [prometheus.pid!, blackbox.pid!], [Symbol.asyncDispose]: end }
}

const BLACKBOX = {
  modules: {
    http_2xx: { prober: 'http', timeout: `${TIMEOUT_S}s`, http: { preferred_ip_protocol: 'ip4' } },
  },
}

/** The way that the exporter's own documentation shows. */
const describeScrapes = (blackboxPort: number, targetPort: number) => ({
  global: { scrape_interval: `${EVERY_S}s`, scrape_timeout: `${TIMEOUT_S}s` },
  scrape_configs: [
    {
      job_name: 'targets',
      metrics_path: '/probe',
      params: { module: ['http_2xx'] },
      static_configs: [{ targets: Array.from({ length: MONITORS }, (_, n) => urlOf(targetPort, n)) }],
      relabel_configs: [
        { source_labels: ['__address__'], target_label: '__param_target' },
        { source_labels: ['__param_target'], target_label: 'instance' },
        { target_label: '__address__', replacement: `127.0.0.1:${blackboxPort}` },
      ],
    },
  ],
})

async function waitFor(url: string): Promise<void> {
  const untilMs = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => null)
    if (answer?.ok) return
    if (performance.now() > untilMs) throw new Error(`${url} was not ready in time.`)
    await sleep(200)
  }
}
