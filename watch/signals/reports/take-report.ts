/** Takes what people say: counted once per reporter, service and window, durable before it is acknowledged. */
import type { ReportInput } from '../../../contract/watch.ts'
import type { Sample } from '../../../engines/detect/types.ts'
import { networkOf } from '../../../kit/network/network-of.ts'
import { createRateBucket, type RateBucket } from '../../../kit/bounded/rate-bucket.ts'
import { createProofOfWork, type ProofOfWork } from '../../../kit/proof-of-work.ts'
import type { WatchCtx } from '../../app/context.ts'
import { notFound, WatchError } from '../../app/errors.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import type { NetworkTable } from '../networks/index.ts'
import { openCountedReporters, type CountedReporters } from './counted-reporters.ts'
import { openMinuteCounts, type MinuteCounts } from './minute-counts.ts'
import { openReporterHash, type ReporterHash } from './reporter.ts'
import { createTrustJudge, type TrustJudge } from './trust.ts'

export interface TakeReportInput {
  readonly serviceId: string
  readonly report: ReportInput
  readonly address: string
  /** A random text that the page keeps in a cookie; empty: none. */
  readonly cookie: string
  readonly userAgent: string
}

export interface ReportAnswer {
  /** False: this reporter was counted in this window already. */
  readonly isCounted: boolean
  readonly feature: string | null
  readonly region: string | null
  /** What stands in its place in the answer to a person: how many others in the last ten minutes. */
  readonly othersInTenMinutes: number
}

export interface Reports extends AsyncDisposable {
  /** @throws {WatchError} not-found, invalid-input, proof-of-work-needed, too-many-requests, storage-unavailable */
  take(input: TakeReportInput): Promise<ReportAnswer>
  readonly proofOfWork: ProofOfWork
}

const MINUTE_MS = 60_000
const OTHERS_MS = 10 * MINUTE_MS
/** About a tenth of a second of a phone's time; a flood of 1,000 a second takes a hundred phones. */
const PROOF_MAX_NUMBER = 50_000
/** One address may send this many; beyond it is a flood, solved challenges or not. */
const BURST_PER_NETWORK = 60
const REFILL_MS = 60_000

/** What the intake works with. */
interface Intake {
  readonly ctx: WatchCtx
  readonly observe: (sample: Sample) => void
  readonly networks: NetworkTable
  readonly trust: TrustJudge
  readonly reporter: ReporterHash
  readonly counted: CountedReporters
  readonly proofOfWork: ProofOfWork
  readonly counts: MinuteCounts
  readonly floods: RateBucket
  readonly countOthers: OthersCount
}

/** Opens the intake. */
export async function openReports(
  ctx: WatchCtx,
  parts: { readonly observe: (sample: Sample) => void; readonly networks: NetworkTable },
): Promise<Reports> {
  const intake: Intake = {
    ctx,
    ...parts,
    trust: createTrustJudge(ctx.clock, ctx.randomBytes(4).readUInt32LE()),
    reporter: await openReporterHash(ctx),
    counted: openCountedReporters(ctx),
    proofOfWork: createProofOfWork({ clock: ctx.clock, maxNumber: PROOF_MAX_NUMBER }),
    counts: await openMinuteCounts(ctx),
    floods: createRateBucket({
      burst: BURST_PER_NETWORK,
      refillMs: REFILL_MS,
      maxKeys: 50_000,
      clock: ctx.clock,
    }),
    countOthers: createOthersCount(ctx),
  }
  return {
    take: (input) => takeReport(intake, input),
    proofOfWork: intake.proofOfWork,
    [Symbol.asyncDispose]: () => intake.counts[Symbol.asyncDispose](),
  }
}

async function takeReport(intake: Intake, input: TakeReportInput): Promise<ReportAnswer> {
  const { ctx, floods } = intake
  const entry = ctx.catalog.find(input.serviceId)
  if (!entry || !entry.reports.isEnabled) throw notFound('service that takes reports', input.serviceId)
  checkFeature(entry, input.report.feature)
  const network = networkOf(input.address)
  const waitMs = floods.take(network)
  if (waitMs > 0) throw new WatchError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1_000) })
  const isProven = input.report.altcha !== null && (await acceptProof(intake, input.report.altcha))
  if (!isProven) refuseUnproven(intake, input, network)
  const row = await makeRow(intake, input, { entry, network, isProven })
  const isCounted = await intake.counted.countOnce(row.reporter, () =>
    ctx.store.write([{ sql: INSERT, params: row }]),
  )
  if (isCounted) tellOf(intake, row)
  return {
    isCounted,
    feature: row.featureId,
    region: row.region,
    othersInTenMinutes: intake.countOthers(entry.id, row.atMs, isCounted),
  }
}

async function acceptProof({ proofOfWork }: Intake, altcha: string): Promise<true> {
  if (await proofOfWork.accept(altcha)) return true
  throw new WatchError('proof-of-work-needed', {
    detail: 'This solution is wrong, too old, or was used.',
  })
}

function refuseUnproven({ trust }: Intake, { userAgent }: TakeReportInput, network: string): void {
  const looksLikeProgram = !userAgent.includes('Mozilla/')
  if (trust.needsProof({ network, looksLikeProgram })) throw new WatchError('proof-of-work-needed')
}

/** Places the report and weighs it. */
async function makeRow(
  { ctx, networks, reporter, trust }: Intake,
  { report, address, cookie, userAgent }: TakeReportInput,
  from: { readonly entry: ServiceEntry; readonly network: string; readonly isProven: boolean },
): Promise<ReportRow> {
  const { entry, network, isProven } = from
  const place = await networks.find(address)
  const region = chooseRegion(entry, report.region, place.country)
  const atMs = ctx.clock.now().getTime()
  const window = Math.floor(atMs / (entry.reports.windowMinutes * MINUTE_MS))
  const fingerprint = [userAgent, report.device, report.clientVersion, report.feature].join('|')
  return {
    serviceId: entry.id,
    reporter: reporter.of({ network, cookie, serviceId: entry.id, window, atMs }),
    atMs,
    featureId: report.feature,
    region,
    asn: place.asn,
    device: report.device,
    clientVersion: report.clientVersion,
    trust: trust.judge({ serviceId: entry.id, network, fingerprint, isProven }),
    diagnosis: report.diagnosis,
  }
}

function tellOf({ counts, observe }: Intake, row: ReportRow): void {
  const { serviceId, atMs, featureId, region, asn, trust, clientVersion } = row
  counts.add(row)
  observe({
    kind: 'reports',
    serviceId,
    atMs,
    featureId,
    region,
    asn,
    count: 1,
    trust,
    clientVersion,
  })
}

type OthersCount = (serviceId: string, nowMs: number, isCounted: boolean) => number

/** Asked at most once a second for each service: in a surge the answer is the same for all. */
function createOthersCount(ctx: WatchCtx): OthersCount {
  const others = new Map<string, { readonly atMs: number; readonly count: number }>()
  return (serviceId, nowMs, isCounted) => {
    let known = others.get(serviceId)
    if (!known || nowMs - known.atMs > 1_000) {
      const row = ctx.store.get<{ count: number | null }>(
        'select sum(count) as count from report_minute where service_id = :serviceId and at_ms > :sinceMs',
        { serviceId, sinceMs: nowMs - OTHERS_MS },
      )
      known = { atMs: nowMs, count: row?.count ?? 0 }
      others.set(serviceId, known)
    }
    return Math.max(0, known.count - (isCounted ? 1 : 0))
  }
}

/** As `INSERT` names them. */
type ReportRow = {
  readonly serviceId: string
  readonly reporter: string
  readonly atMs: number
  readonly featureId: string | null
  readonly region: string | null
  readonly asn: number | null
  readonly device: string | null
  readonly clientVersion: string | null
  readonly trust: number
  readonly diagnosis: string | null
}

const INSERT = `insert into report (service_id, reporter, at_ms, feature_id, region, asn, device, client_version, trust,
    diagnosis)
  values (:serviceId, unhex(:reporter), :atMs, :featureId, :region, :asn, :device, :clientVersion, :trust, :diagnosis)`

function checkFeature(entry: ServiceEntry, feature: string | null): void {
  if (feature === null || entry.features.some(({ id }) => id === feature)) return
  throw new WatchError('invalid-input', {
    fields: {
      feature: `takes one of ${entry.features
        .slice(0, 50)
        .map(({ id }) => id)
        .join(', ')}`,
    },
  })
}

/** The person's own choice, else the region whose country it is, else the only region there is. */
export function chooseRegion(
  entry: ServiceEntry,
  chosen: string | null,
  country: string | null,
): string | null {
  if (chosen !== null) {
    if (entry.regions.some(({ id }) => id === chosen)) return chosen
    throw new WatchError('invalid-input', {
      fields: {
        region: `takes one of ${entry.regions
          .slice(0, 50)
          .map(({ id }) => id)
          .join(', ')}`,
      },
    })
  }
  const found =
    country === null ? undefined : entry.regions.find(({ countries }) => countries.includes(country))
  return found?.id ?? (entry.regions.length === 1 ? entry.regions[0]!.id : null)
}
