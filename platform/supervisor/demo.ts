/** The demo of an instance that began empty: seeded beside the running product, gone on with after a restart. */
import { spawn } from 'node:child_process'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { environmentWith } from '../app/config.ts'
import type { Output } from './output.ts'

type DemoState = 'pending' | 'done' | 'unwanted'

const AGAIN_AFTER_MS = 60_000

const stateFile = (dataDir: string) => join(dataDir, 'demo.state')

/** Decides once, on the first start, whether this instance gets a demo. Call it before anything fills the data folder. */
export async function decideOnDemo(dataDir: string, isWanted: boolean): Promise<void> {
  const isFresh = await access(join(dataDir, 'secrets.json')).then(
    () => false,
    () => true,
  )
  if (isFresh) await writeState(dataDir, isWanted ? 'pending' : 'unwanted')
}

const writeState = (dataDir: string, state: DemoState) => writeFile(stateFile(dataDir), state)

async function readState(dataDir: string): Promise<DemoState> {
  try {
    return (await readFile(stateFile(dataDir), 'utf8')) as DemoState
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'unwanted'
    throw error
  }
}

interface DemoOptions {
  readonly dataDir: string
  readonly program: string
  readonly host: string
  readonly port: number
  readonly output: Output
  readonly onComplete: () => void
  /** After a failure. @default a minute */
  readonly againAfterMs?: number
}

/**
 * Seeds the demo in a process of its own, when one is pending; one that fails, as it does while the product is overloaded, is
 * gone on with after a while. Disposal ends that process; the next start goes on.
 */
export async function startDemo(options: DemoOptions): Promise<AsyncDisposable> {
  const { dataDir, output, onComplete, againAfterMs = AGAIN_AFTER_MS } = options
  if ((await readState(dataDir)) !== 'pending') return { [Symbol.asyncDispose]: async () => {} }
  output.tell('A demo is being added in the background: a dozen people and some thirty short clips.')
  const closing = new AbortController()
  const { signal } = closing
  async function seed(): Promise<void> {
    while (!(await seedOnce(options, signal))) {
      if (signal.aborted) return
      const wait = formatWait(againAfterMs)
      output.tell(
        `The demo could not be completed yet (logs/ tells why); it goes on in ${wait}, or with the next start.`,
      )
      await sleep(againAfterMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
    }
    await writeState(dataDir, 'done')
    output.tell('The demo is complete.')
    onComplete()
  }
  const seeding = seed()
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      await seeding
    },
  }
}

const formatWait = (ms: number): string => `${Math.max(1, Math.round(ms / 1_000))} s`

/** @returns whether it is complete */
async function seedOnce(
  { dataDir, program, host, port, output }: DemoOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const child = spawn(process.execPath, [program, 'demo'], {
    env: environmentWith({ DATA_DIR: dataDir, HOST: host, PORT: String(port) }),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => output.passOn('demo', line))
  }
  return new Promise((resolve) => {
    // Also what could not be started, or was ended by the signal; the latter ends by itself then.
    child.once('error', () => child.pid === undefined && resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
}
