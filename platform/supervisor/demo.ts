/** The demo of an instance that began empty: seeded beside the running product, gone on with after a restart. */
import { spawn } from 'node:child_process'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { environmentWith } from '../app/config.ts'
import { sendSignal } from '../../kit/processes.ts'
import type { Output } from './output.ts'

type DemoState = 'pending' | 'done' | 'unwanted'

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

/** Seeds the demo in a process of its own, when one is pending. Disposal ends that process; the next start goes on. */
export async function startDemo(options: {
  dataDir: string
  program: string
  host: string
  port: number
  output: Output
  onComplete: () => void
}): Promise<AsyncDisposable> {
  const { dataDir, output } = options
  if ((await readState(dataDir)) !== 'pending') return { [Symbol.asyncDispose]: async () => {} }
  output.tell('A demo is being added in the background: a dozen people and some thirty short clips.')
  const child = spawn(process.execPath, [options.program, 'demo'], {
    env: environmentWith({ DATA_DIR: dataDir, HOST: options.host, PORT: String(options.port) }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => output.passOn('demo', line))
  }
  let isEnding = false
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', (code) => {
      if (code === 0)
        void writeState(dataDir, 'done').then(() => {
          output.tell('The demo is complete.')
          options.onComplete()
        })
      else if (!isEnding) output.tell('The demo could not be completed; the next start goes on with it.')
      resolve()
    })
  })
  return {
    async [Symbol.asyncDispose]() {
      isEnding = true
      if (child.pid !== undefined && child.exitCode === null) sendSignal(child.pid, 'SIGTERM')
      await ended
    },
  }
}
