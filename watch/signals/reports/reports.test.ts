import { solveChallenge } from 'altcha-lib/v1'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Sample } from '../../../engines/detect/types.ts'
import { ReportInput } from '../../../contract/watch.ts'
import { createFakeClock } from '../../../kit/clock.ts'
import { createWatchApp } from '../../http/http.ts'
import { reportMinutesOf } from '../../incidents/index.ts'
import { createWatchWorld } from '../../pages/world.fixtures.ts'
import type { NetworkTable } from '../networks/index.ts'
import { openReports, registerReports, reporterCookie, type Reports } from './index.ts'
import { createTrustJudge } from './trust.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'
const networks: NetworkTable = {
  find: async (address) =>
    address.startsWith('81.')
      ? { country: 'DE', asn: 3320, network: 'T' }
      : { country: null, asn: null, network: null },
}

async function openWorld() {
  const world = await createWatchWorld()
  const samples: Sample[] = []
  const reports = await openReports(world.ctx, { observe: (sample) => samples.push(sample), networks })
  return { world, samples, reports, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

const take = (
  reports: Reports,
  change: { address?: string; cookie?: string; userAgent?: string; report?: object } = {},
) =>
  reports.take({
    serviceId: 'upbeat',
    address: '81.2.3.4',
    cookie: '',
    userAgent: BROWSER,
    ...change,
    report: ReportInput.parse({ feature: 'feed', ...change.report }),
  })

test('a report is counted, placed by its address, and told to the detector', async () => {
  await using open = await openWorld()
  expect(await take(open.reports)).toEqual({
    isCounted: true,
    feature: 'feed',
    region: 'eu',
    othersInTenMinutes: 0,
  })
  expect(open.samples).toMatchObject([
    { kind: 'reports', serviceId: 'upbeat', featureId: 'feed', region: 'eu', asn: 3320, count: 1, trust: 1 },
  ])
  await expect
    .poll(() => reportMinutesOf(open.world.ctx, { serviceId: 'upbeat' }))
    .toMatchObject([{ count: 1, trusted: 1 }])
})

test('counts that a crash lost are counted again from what was kept', async () => {
  await using open = await openWorld()
  await take(open.reports)
  // Opened anew before the counts were written: what they are made of is on the disk.
  const again = await openReports(open.world.ctx, { observe: () => {}, networks })
  expect(reportMinutesOf(open.world.ctx, { serviceId: 'upbeat' })).toMatchObject([{ count: 1 }])
  await again[Symbol.asyncDispose]()
})

test('one reporter counts once per service and window', async () => {
  await using open = await openWorld()
  await take(open.reports)
  expect(await take(open.reports, { report: { feature: 'video' } })).toMatchObject({ isCounted: false })
  expect(await take(open.reports, { cookie: 'a'.repeat(24) })).toMatchObject({ isCounted: true })
  open.world.clock.advance(31 * 60_000)
  expect(await take(open.reports)).toMatchObject({ isCounted: true })
  expect(open.samples).toHaveLength(3)
})

test('nothing of a person is kept: the address leads to no row, and the salt goes with its day', async () => {
  await using open = await openWorld()
  await take(open.reports, { cookie: 'b'.repeat(24) })
  const rows = open.world.ctx.store.all<Record<string, unknown>>('select * from report')
  expect(JSON.stringify(rows)).not.toContain('81.2.3.4')
  const salts = () =>
    open.world.ctx.store.all<{ name: string }>("select name from kept where name like 'report-salt-%'")
  const [before] = salts()
  open.world.clock.advance(86_400_000)
  await take(open.reports, { address: '81.2.3.5' })
  await expect.poll(() => salts().map(({ name }) => name)).not.toContain(before!.name)
  expect(salts()).toHaveLength(1)
})

test('the person’s own choice of region wins, and one that does not exist is named', async () => {
  await using open = await openWorld()
  expect(await take(open.reports, { report: { region: 'na' } })).toMatchObject({ region: 'na' })
  await expect(take(open.reports, { report: { region: 'mars' } })).rejects.toMatchObject({
    code: 'invalid-input',
  })
  await expect(take(open.reports, { report: { feature: 'mars' } })).rejects.toMatchObject({
    details: { fields: { feature: expect.stringContaining('feed') } },
  })
})

test('a program proves work before it is heard, and each proof counts once', async () => {
  await using open = await openWorld()
  const asProgram = { userAgent: 'curl/8', address: '9.9.9.9' }
  await expect(take(open.reports, asProgram)).rejects.toMatchObject({ code: 'proof-of-work-needed' })
  const { challenge, salt, algorithm, maxnumber, signature } = await open.reports.proofOfWork.challenge()
  const solved = await solveChallenge(challenge, salt, algorithm, maxnumber).promise
  const altcha = btoa(JSON.stringify({ algorithm, challenge, number: solved!.number, salt, signature }))
  expect(await take(open.reports, { ...asProgram, report: { altcha } })).toMatchObject({ isCounted: true })
  await expect(take(open.reports, { ...asProgram, report: { altcha } })).rejects.toMatchObject({
    code: 'proof-of-work-needed',
  })
})

test.each([
  'nonsense',
  'null',
  '{"signature":"x"}',
  '{"signature":"x","salt":5}',
  '{"signature":"x","salt":"a?expires=99999999999","algorithm":"none","number":1,"challenge":"x"}',
])('%s is no proof of work, and no fault of ours', async (text) => {
  await using open = await openWorld()
  await expect(take(open.reports, { report: { altcha: btoa(text) } })).rejects.toMatchObject({
    code: 'proof-of-work-needed',
  })
})

test('a flood from one address is refused with the time to wait', async () => {
  await using open = await openWorld()
  const codes: string[] = []
  for (let i = 0; i < 70; i++)
    codes.push(
      await take(open.reports, { cookie: String(i).padStart(24, 'c') }).then(
        () => 'taken',
        (error: { code: string }) => error.code,
      ),
    )
  expect(codes.filter((code) => code === 'taken')).toHaveLength(8)
  expect(codes.slice(8, 60).every((code) => code === 'proof-of-work-needed')).toBe(true)
  expect(codes.at(-1)).toBe('too-many-requests')
})

describe('trust', () => {
  let judge: ReturnType<typeof createTrustJudge>
  beforeEach(() => (judge = createTrustJudge(createFakeClock())))
  const one = (network: string, fingerprint = network) =>
    judge.judge({ serviceId: 's', network, fingerprint, isProven: false })

  test('a crowd from many places counts in full', () => {
    const trusts = Array.from({ length: 200 }, (_, i) => one(`80.${i}.1.1`))
    expect(Math.min(...trusts)).toBe(1)
  })

  test('one address again and again counts ever less', () => {
    const trusts = Array.from({ length: 10 }, (_, i) => one('80.1.1.1', `person ${i}`))
    expect(trusts.slice(0, 3)).toEqual([1, 1, 1])
    expect(trusts.at(-1)).toBeCloseTo(1 / 8)
  })

  test('a neighbourhood that sends hundreds is a farm', () => {
    const trusts = Array.from({ length: 200 }, (_, i) => one(`80.1.1.${i}`))
    expect(trusts.at(-1)).toBeCloseTo(24 / 200)
  })

  test('a batch of one fingerprint counts a fifth, a mixed crowd beside it in full', () => {
    const batch = Array.from({ length: 40 }, (_, i) => one(`80.${i}.1.1`, 'script'))
    expect(batch.at(-1)).toBe(0.2)
    expect(one('90.1.1.1', 'a person')).toBe(1)
  })
})

test('over HTTP: any site may carry the form, and a wrong one is told field by field', async () => {
  await using open = await openWorld()
  const app = createWatchApp(open.world.ctx)
  registerReports(app, open.reports)
  const url = '/api/v1/services/upbeat/reports'
  const headers = { 'user-agent': BROWSER, cookie: reporterCookie(() => 'abcdefghijkl').split(';')[0]! }
  const taken = await app.inject({ method: 'POST', url, headers, payload: { feature: null } })
  expect([taken.statusCode, taken.headers['access-control-allow-origin']]).toEqual([201, '*'])
  const again = await app.inject({ method: 'POST', url, headers, payload: { feature: null } })
  expect([again.statusCode, again.json()]).toMatchObject([200, { isCounted: false }])
  const wrong = await app.inject({ method: 'POST', url, headers, payload: { feature: 7 } })
  expect([wrong.statusCode, wrong.json()]).toMatchObject([
    400,
    { code: 'invalid-input', fields: { feature: expect.any(String) } },
  ])
  const foreign = await app.inject({
    method: 'POST',
    url,
    headers: { ...headers, origin: 'https://elsewhere.example' },
    payload: { feature: null },
  })
  expect(foreign.json()).toMatchObject({ code: 'foreign-origin' })
  await app.close()
})
