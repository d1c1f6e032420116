/** A watch as people run it, `watch/main.ts serve`, in a folder of the benchmark's own, on the measured core. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { killChild, MEASURED_CORE, nextMessage, startNode } from '../../tests/rig/children.ts'

export interface RunningWatch extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  /** Where its SQLite file is. */
  readonly storePath: string
  readonly child: ChildProcess
}

/** Starts it on services as they stand in their files (JSON is YAML). Answers once it is ready. */
export async function startRunningWatch(
  dir: string,
  services: readonly { readonly id: string }[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningWatch> {
  const catalogDir = join(dir, 'catalog')
  await mkdir(catalogDir, { recursive: true })
  for (const service of services)
    await writeFile(join(catalogDir, `${service.id}.yaml`), JSON.stringify(service))
  const dataDir = join(dir, 'data')
  const child = startNode(
    join(import.meta.dirname, '..', '..', 'watch', 'main.ts'),
    MEASURED_CORE,
    { LOG_LEVEL: 'error', WATCH_SERVICES: '', WATCH_HOST: '127.0.0.1', ...env },
    ['serve', '--port', '0', '--data', dataDir, '--catalog', catalogDir],
  )
  const { port } = await nextMessage<{ port: number }>(child)
  return {
    pid: child.pid!,
    port,
    storePath: join(dataDir, 'watch.sqlite'),
    child,
    [Symbol.asyncDispose]: () => killChild(child),
  }
}
