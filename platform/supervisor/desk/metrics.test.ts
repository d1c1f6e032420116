import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createBoard, type Board } from './board.ts'
import { doorOf, reportOf } from './fixtures.ts'
import { openMetricsPort } from './metrics-port.ts'
import { renderMetrics } from './metrics.ts'
import { NOTHING_ORDERED } from './order-book.ts'
import { takeSnapshot } from './snapshot.ts'

const createOwnBoard = () =>
  createBoard({
    processes: () => [
      { role: 'api', state: 'ready', pid: 2, restartCount: 1 },
      { role: 'ingest', state: 'waiting', pid: null, restartCount: 4 },
    ],
  })

async function render(board: Board): Promise<string[]> {
  await using dir = await makeTemporaryDir()
  const state = await takeSnapshot({
    dataDir: dir.path,
    board,
    inForce: NOTHING_ORDERED,
    waitingConnections: 2,
  })
  return (await renderMetrics(state, board)).split('\n')
}

test('what is known has a sample', async () => {
  using board = createOwnBoard()
  board.hear(
    'api',
    reportOf({
      doors: [doorOf(1)],
      journal: { isWritable: false, pending: 3, sizeBytes: 90, oldestAgeMs: 10 },
    }),
  )
  const lines = await render(board)
  expect(lines).toEqual(
    expect.arrayContaining([
      'upbeat_level 0',
      'upbeat_feature_mode{feature="comments"} 0',
      'upbeat_waiting_connections 2',
      'upbeat_process_ready{role="ingest"} 0',
      'upbeat_process_restarts_total{role="ingest"} 4',
      'upbeat_requests_total{role="api"} 10',
      'upbeat_event_loop_delay_p99_seconds{role="api"} 0.012',
      'upbeat_admission_limit{role="api",door="process"} 20',
      'upbeat_admission_refused_total{role="api",door="process",class="P3"} 7',
      'upbeat_database_ping_seconds 0.0015',
      'upbeat_dependency_up{dependency="database"} 1',
      'upbeat_journal_writable 0',
      'upbeat_journal_pending 3',
    ]),
  )
})

test('what is unknown has none: it is never taken for 0', async () => {
  using board = createOwnBoard()
  const text = (await render(board)).join('\n')
  for (const name of ['level', 'requests_total', 'database_ping_seconds', 'journal_pending', 'standby_age'])
    expect(text).not.toContain(`upbeat_${name}`)
  expect(text).toContain('upbeat_process_ready{role="api"} 1')
})

test('the port answers with metrics, and with nothing else', async () => {
  await using port = await openMetricsPort(0, async () => 'upbeat_level 3\n')
  const at = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port.port}${path}`, init)
  const metrics = await at('/metrics')
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4')
  expect(await metrics.text()).toBe('upbeat_level 3\n')
  expect((await at('/')).status).toBe(404)
  expect((await at('/metrics', { method: 'POST' })).status).toBe(404)
  await expect(openMetricsPort(port.port, async () => '')).rejects.toThrow('is used by another program')
})
