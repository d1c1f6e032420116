/**
 * One nginx: tested, started, told to read its configuration anew, ended. It outlives its agent, and the next agent takes it
 * over by its pid file.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { writeWhole } from '../../../kit/files/durable-file.ts'
import { identifyProcess, sendSignal } from '../../../kit/processes.ts'

const run = promisify(execFile)
const COMMAND_TIMEOUT_MS = 15_000
const POLL_MS = 25

/** nginx does not take this configuration. */
export class NginxRefusedError extends Error {
  override readonly name = 'NginxRefusedError'
}

export interface Counts {
  readonly requests: number
  readonly errors: number
}

export interface Nginx {
  /** The process that runs now; null: none does. */
  pid(): Promise<number | null>
  /** @throws {NginxRefusedError} with what nginx says */
  test(configuration: string): Promise<void>
  /** Puts the configuration in force: starts nginx, or has the one that runs take it without losing a connection. */
  apply(configuration: string): Promise<void>
  /** @param isGentle whether connections may finish. */
  stop(isGentle: boolean): Promise<void>
  /** Since nginx started; null: it does not answer. */
  counts(): Promise<Counts | null>
  tellOrder(addresses: readonly string[]): Promise<void>
}

export interface NginxOptions {
  readonly program: string
  readonly runDir: string
  readonly controlSocket: string
}

/** Looks after the nginx of a folder. */
export async function openNginx({ program, runDir, controlSocket }: NginxOptions): Promise<Nginx> {
  await mkdir(runDir, { recursive: true, mode: 0o755 })
  const configPath = join(runDir, 'nginx.conf')
  const command = (...args: string[]) =>
    run(program, ['-p', runDir, '-e', join(runDir, 'error.log'), ...args], { timeout: COMMAND_TIMEOUT_MS })

  async function pid(): Promise<number | null> {
    const text = await readFile(join(runDir, 'nginx.pid'), 'utf8').catch(() => '')
    const found = Number.parseInt(text, 10)
    if (!found || !(await identifyProcess(found))) return null
    const line = await readFile(`/proc/${found}/cmdline`, 'utf8').catch(() => '')
    return line.includes(runDir) ? found : null
  }

  async function test(configuration: string): Promise<void> {
    const path = join(runDir, 'candidate.conf')
    await writeWhole(path, configuration)
    try {
      await command('-t', '-q', '-c', path)
    } catch (error) {
      throw new NginxRefusedError(
        String((error as { stderr?: string }).stderr ?? error)
          .trim()
          .slice(0, 2_000),
      )
    }
  }

  return {
    pid,
    test,
    async apply(configuration) {
      const running = await pid()
      const inForce = await readFile(configPath, 'utf8').catch(() => null)
      // Reading it anew closes what idles, which may cross with a request that is just being sent.
      if (running !== null && inForce === configuration) return
      await writeWhole(configPath, configuration)
      if (running === null) await command('-c', configPath)
      else {
        const before = await workersOf(running)
        sendSignal(running, 'SIGHUP')
        await becomesTrue(async () => (await workersOf(running)).some((worker) => !before.includes(worker)))
      }
      await becomesTrue(async () => (await askControl(controlSocket, '/counts')) !== null)
    },
    async stop(isGentle) {
      const running = await pid()
      if (running === null) return
      sendSignal(running, isGentle ? 'SIGQUIT' : 'SIGTERM')
      await becomesTrue(async () => (await pid()) === null).catch(() => sendSignal(running, 'SIGKILL'))
    },
    counts: async () => (await askControl(controlSocket, '/counts')) as Counts | null,
    async tellOrder(addresses) {
      await askControl(controlSocket, `/order?to=${addresses.join(',')}`)
    },
  }
}

/** Makes a socket that nginx's workers, whatever user they are, may connect to. */
export const openToWorkers = (socketPath: string): Promise<void> => chmod(socketPath, 0o666)

async function workersOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean)
}

async function becomesTrue(look: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + COMMAND_TIMEOUT_MS
  while (!(await look())) {
    if (performance.now() > endMs)
      throw new NginxRefusedError('nginx did not do it in time; see its error.log.')
    await sleep(POLL_MS)
  }
}

function askControl(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, path, timeout: 1_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.once('end', () => {
        try {
          resolve(JSON.parse(text))
        } catch {
          resolve(null)
        }
      })
    })
    asking.once('timeout', () => asking.destroy())
    asking.once('error', () => resolve(null)).end()
  })
}
