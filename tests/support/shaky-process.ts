/** Another process of a world's instance, on the same data folder, whose way to the database can be troubled. */
import { loadConfig } from '../../platform/app/config.ts'
import { openContext, type Ctx } from '../../platform/app/context.ts'
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts'
import type { World } from './world.ts'

export interface ShakyProcess extends AsyncDisposable {
  readonly ctx: Ctx
  readonly proxy: FaultProxy
  /** The database refuses, and ends what was open. */
  cutOff(): void
}

export interface ShakyOptions {
  /** Whether the database is not there from the beginning. @default false */
  readonly isCutOff?: boolean
  readonly env?: Record<string, string>
}

/** Opens it; `await using` takes it away again. */
export async function openShakyProcess(world: World, options: ShakyOptions = {}): Promise<ShakyProcess> {
  await using stack = new AsyncDisposableStack()
  const url = new URL(world.databaseUrl)
  const proxy = stack.use(await startFaultProxy({ targetPort: Number(url.port), targetHost: url.hostname }))
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  if (options.isCutOff) proxy.refuse()
  const config = loadConfig({
    DATA_DIR: world.config.dataDir,
    DATABASE_URL: url.href,
    DATABASE_POOL_SIZE: '5',
    LOG_LEVEL: 'silent',
    UPLOAD_RESERVE_BYTES: '0',
    ...options.env,
  })
  const { ctx } = stack.use(await openContext({ config, role: 'test' }))
  const owned = stack.move()
  return {
    ctx,
    proxy,
    cutOff() {
      proxy.refuse()
      proxy.reset()
    },
    async [Symbol.asyncDispose]() {
      proxy.thaw()
      await owned.disposeAsync()
    },
  }
}
