/** An edge as it runs: its agent and its nginx, on folders of the test's own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PER_ADDRESS, type EdgeDocument, type EdgeStatus } from '../../contract/edge.ts'
import { findFreePort } from '../../kit/network/free-port.ts'
import { sendSignal } from '../../kit/processes.ts'
import { environmentWith } from '../../platform/app/config.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 60_000
const MIB = 1024 ** 2

/** A media key as an instance has one. */
export const EDGE_MEDIA_KEY = 'edge-media-key-of-tests-0123456789abcdef'

export interface EdgeProcess extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly dataDir: string
  readonly logged: () => string
  status(): Promise<EdgeStatus>
  /** Lays another text where the document lies. */
  release(text: string): Promise<void>
  /** Ends the agent by force; nginx stays. */
  killAgent(): Promise<void>
  /** A new agent over what the last one left. */
  startAgain(): Promise<void>
}

export interface EdgeOptions {
  readonly dir: string
  readonly document: EdgeDocument
  readonly mediaKey?: string
  /** @default a free one */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
}

/** A document with everything small. */
export function edgeDocument(changes: Partial<EdgeDocument> & Pick<EdgeDocument, 'origins'>): EdgeDocument {
  return {
    schema: 1,
    generation: 1,
    name: 'edge-one',
    hosts: [],
    shields: [],
    purged: 0,
    passedOn: [],
    statusUrl: null,
    limits: {
      mirrorMaxBytes: 512 * MIB,
      pagesMaxBytes: 64 * MIB,
      segmentMaxBytes: 32 * MIB,
      fetchTimeoutMs: 10_000,
      connectionsMax: 8_192,
      perAddress: PER_ADDRESS,
      staleForS: 86_400,
    },
    ...changes,
  }
}

/** Starts it on a free port; answers when it is ready. @throws with all that it said */
export async function startEdge(options: EdgeOptions): Promise<EdgeProcess> {
  const { dir, document, mediaKey = EDGE_MEDIA_KEY, env = {} } = options
  const port = options.port ?? (await findFreePort())
  const documentPath = join(dir, 'document.json')
  const keyPath = join(dir, 'media-key')
  const dataDir = join(dir, 'data')
  await writeFile(documentPath, JSON.stringify(document))
  await writeFile(keyPath, mediaKey)
  let output = ''
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(
      process.execPath,
      [
        'platform/main.ts',
        'edge',
        '--host',
        '127.0.0.1',
        '--port',
        String(port),
        '--data',
        dataDir,
        '--document',
        documentPath,
      ],
      {
        cwd: REPOSITORY,
        env: environmentWith({ EDGE_KEY_FILE: keyPath, EDGE_JUDGE_S: '3', ...env }),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const endWithUs = () => void child.kill('SIGTERM')
    process.once('exit', endWithUs)
    child.once('exit', () => process.off('exit', endWithUs))
    const from = output.length
    const keep = (text: string) => (output = output + text)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.stdout.setEncoding('utf8').on('data', keep)
    const endMs = performance.now() + START_TIMEOUT_MS
    while (!output.slice(from).includes('is ready:')) {
      if (child.exitCode !== null || performance.now() > endMs) {
        child.kill('SIGKILL')
        throw new Error(`The edge did not get ready:\n${output}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    return child
  }
  let child = await start()
  const url = `http://127.0.0.1:${port}`
  return {
    ...{ url, port, dataDir, logged: () => output },
    status: async () => (await (await fetch(`${url}/-/edge`)).json()) as EdgeStatus,
    release: (text) => writeFile(documentPath, text),
    async killAgent() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    async startAgain() {
      child = await start()
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }
      const pid = Number.parseInt(
        await readFile(join(dataDir, 'nginx', 'nginx.pid'), 'utf8').catch(() => ''),
        10,
      )
      if (pid) sendSignal(pid, 'SIGTERM')
    },
  }
}
