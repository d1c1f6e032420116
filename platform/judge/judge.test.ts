import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { noLatencies } from '../../engines/steward/rollout/index.ts'
import { findFreePort } from '../../kit/network/free-port.ts'
import { upbeat } from '../../tests/support/command-line.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { readSums } from './metrics-text.ts'
import { createJudgeServer } from './server.ts'

const SHARES = { shadow: 0, canary: 5, '5%': 5, '25%': 25, '50%': 50, '100%': 100 } as const
const STAGES = ['canary', '50%', '100%'] as const
const QUICK = { minMs: 1_000, minRequests: 30 }

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGTERM')
})

async function startService(failureShare: number): Promise<number> {
  const program = join(import.meta.dirname, 'fixtures', 'external-service.ts')
  const child = spawn(process.execPath, [program, String(failureShare)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return Number(port)
}

/** nginx before two services, of which one gets a share. */
async function startNginx(dir: string, ports: { canary: number; baseline: number }) {
  const port = await findFreePort()
  const path = join(dir, 'nginx.conf')
  const write = (percent: number) => {
    const split = percent === 0 ? '' : percent === 100 ? '' : `${percent}% canary;`
    return writeFile(
      path,
      `daemon off; pid ${dir}/nginx.pid; error_log ${dir}/error.log; worker_processes 1;
events {}
http {
  access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi; uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  upstream canary { server 127.0.0.1:${ports.canary}; }
  upstream baseline { server 127.0.0.1:${ports.baseline}; }
  split_clients $request_id $arm { ${split} * ${percent === 100 ? 'canary' : 'baseline'}; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://$arm; } }
}`,
    )
  }
  await write(0)
  const child = spawn('nginx', ['-c', path, '-p', dir, '-e', join(dir, 'error.log')], { stdio: 'inherit' })
  children.push(child)
  return {
    url: `http://127.0.0.1:${port}/`,
    async give(percent: number) {
      await write(percent)
      child.kill('SIGHUP')
    },
  }
}

/** A deployment of somebody else's: asks the judge what to do, and does it. */
async function rollOut(failureShare: number): Promise<{ verdict: string; lastStatuses: number[] }> {
  await using dir = await makeTemporaryDir()
  const [canary, baseline] = await Promise.all([startService(failureShare), startService(0)])
  const nginx = await startNginx(dir.path, { canary, baseline })
  const judge = createJudgeServer()
  const address = await judge.listen({ host: '127.0.0.1', port: 0 })
  const begun = await fetch(`${address}/v1/judgements`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      metrics: {
        canary: `http://127.0.0.1:${canary}/metrics`,
        baseline: `http://127.0.0.1:${baseline}/metrics`,
      },
      stages: STAGES,
      rules: Object.fromEntries(STAGES.map((stage) => [stage, QUICK])),
    }),
  })
  expect(begun.status).toBe(201)
  const where = `${address}${begun.headers.get('location')}`
  // Golden requests to both, besides what nginx passes on.
  const ask = (url: string) =>
    fetch(url).then(
      (response) => response.status,
      () => 0,
    )
  let verdict = 'hold'
  for (let stage = ''; verdict !== 'promote' && verdict !== 'back'; await sleep(20)) {
    await Promise.all(
      [nginx.url, nginx.url, `http://127.0.0.1:${canary}/`, `http://127.0.0.1:${baseline}/`].map(ask),
    )
    const now = (await (await fetch(where)).json()) as { stage: keyof typeof SHARES; verdict: string }
    if (now.stage !== stage) await nginx.give(SHARES[now.stage])
    ;({ stage, verdict } = now)
  }
  await nginx.give(verdict === 'promote' ? 100 : 0)
  await sleep(500)
  const lastStatuses = await Promise.all(Array.from({ length: 40 }, () => ask(nginx.url)))
  await judge.close()
  return { verdict, lastStatuses: [...new Set(lastStatuses)] }
}

test('a bad release of somebody else’s, behind nginx, is taken back; a good one is promoted', async () => {
  expect(await rollOut(0.5)).toEqual({ verdict: 'back', lastStatuses: [200] })
  expect(await rollOut(0)).toEqual({ verdict: 'promote', lastStatuses: [200] })
})

test('the command line ends with what came of it', async () => {
  const [bad, good] = await Promise.all([startService(1), startService(0)])
  const url = (port: number) => `http://127.0.0.1:${port}/metrics`
  const requests = setInterval(() => {
    for (const port of [bad, good]) fetch(`http://127.0.0.1:${port}/`).catch(() => {})
  }, 20)
  const { code, output } = await upbeat([
    'judge',
    '--canary',
    url(bad),
    '--baseline',
    url(good),
    '--for',
    '60s',
  ])
  clearInterval(requests)
  expect(output).toContain('back: ')
  expect(code).toBe(1)

  const short = await upbeat(['judge', '--canary', url(good), '--baseline', url(good), '--for', '1s'])
  expect(short.code).toBe(3)
})

test('posted samples are judged, and what does not fit is refused', async () => {
  const judge = createJudgeServer()
  const { id } = (await judge.inject({ method: 'POST', url: '/v1/judgements', payload: {} })).json<{
    id: string
  }>()
  const sample = { atMs: 0, requests: 30, errors: 0, latencyBuckets: noLatencies() }
  const post = (canary: object) =>
    judge.inject({
      method: 'POST',
      url: `/v1/judgements/${id}/samples`,
      payload: { canary, baseline: sample },
    })

  expect((await post(sample)).json()).toMatchObject({ id, stage: 'shadow', verdict: 'hold' })
  expect((await post({ ...sample, latencyBuckets: [1] })).statusCode).toBe(400)
  expect((await post({ ...sample, atMs: 1_000, errors: 30 })).json()).toMatchObject({ verdict: 'back' })
  expect((await judge.inject(`/v1/judgements/${crypto.randomUUID()}`)).statusCode).toBe(404)
  const byAnotherName = { url: `/v1/judgements/${id}`, headers: { host: 'rebound.example.org:8095' } }
  expect((await judge.inject(byAnotherName)).statusCode).toBe(421)
  expect((await judge.inject({ ...byAnotherName, headers: { host: 'localhost:8095' } })).statusCode).toBe(200)
  await judge.close()
})

test('metrics of other programs are read: statuses apart, cumulative buckets, what is missing is unknown', () => {
  const text = `# HELP http_requests_total Requests
http_requests_total{method="GET",status="200"} 90
http_requests_total{method="GET",status="500"} 5
http_requests_total{status="503"} 3
http_requests_total{status="504"} 2
http_request_duration_seconds_bucket{le="0.01"} 60
http_request_duration_seconds_bucket{le="0.1"} 95
http_request_duration_seconds_bucket{le="+Inf"} 100`
  const sums = readSums(text)
  expect(sums).toMatchObject({ requests: 100, errors: 5, timeouts: 2, shed: 3, rssBytes: null })
  expect(sums.latencyBuckets.filter(Boolean)).toEqual([60, 35, 5])
  expect(() => readSums('nothing 1')).toThrow('There is no http_requests_total')
})
