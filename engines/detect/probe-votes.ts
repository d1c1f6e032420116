/**
 * What probes say of each cell: the quorum.
 *
 * Witnesses of a cell are the vantage points of its region, else those that stand for the whole world. Two that fail,
 * half of all at least, are a quorum; one alone stays a suspicion of its own path until something proves that path.
 */
import { accusationOf, isFresh, isSettled, type ProbeState, type ProbeTrack } from './probes.ts'
import { cellOf, type Shape } from './shape.ts'

export type ProbeVerdict = 'none' | 'good' | 'mixed' | 'bad'

export interface ProbeVotes {
  /** Log-odds per cell; NaN: no fresh witness. */
  readonly logOdds: Float64Array
  readonly verdicts: ProbeVerdict[]
}

/** What other services' monitors at a vantage point say of it. */
export type Elsewhere = (vantageId: string) => { readonly ok: number; readonly failed: number }

interface Witness {
  readonly vantageId: string
  readonly column: number
  readonly specificity: number
  readonly isFailing: boolean
  readonly isSlow: boolean
  readonly accusation: number
  readonly run: number
  readonly isSettled: boolean
  readonly path: Path
}

type Path = 'proven' | 'unproven' | 'suspect'

const MAX = 14
const ACQUITTAL = -3
const SLOW = 3
const SLOW_RUN = 3
/** What an intact check next to a failing one takes away, while there is no quorum: as much as it acquits by itself. */
const CONTRADICTION = 3
/** Most that one vantage point can say whose own path nothing proves. */
const UNPROVEN_MAX = 8.5
const UNPROVEN_EACH = 6.5
const SUSPECT_PATH_MAX = 2.5
/** And where the region has no vantage point, but half of the world's fail. */
const ELSEWHERE_MAX = 9

export function voteProbes(state: ProbeState, shape: Shape, nowMs: number, elsewhere: Elsewhere): ProbeVotes {
  const votes: ProbeVotes = {
    logOdds: new Float64Array(shape.features * shape.regions).fill(Number.NaN),
    verdicts: Array.from({ length: shape.features * shape.regions }, () => 'none' as ProbeVerdict),
  }
  const fresh = [...state.tracks.values()].filter((track) => isFresh(track, nowMs))
  if (fresh.length === 0) return votes
  const eyes = surveyEyes(fresh, elsewhere)
  const byRow = groupByRow(fresh)
  for (let row = 0; row < shape.features; row++) {
    const witnesses = witnessesOf(byRow.get(row) ?? []).map((each) => doubt(each, eyes))
    for (let column = 0; column < shape.regions && witnesses.length > 0; column++) {
      const cell = cellOf(shape, row, column)
      const { value, verdict } = judgeCell(witnesses, column)
      votes.logOdds[cell] = value
      votes.verdicts[cell] = verdict
    }
  }
  return votes
}

/** Thousands of monitors are looked through once, not once a feature. */
function groupByRow(fresh: readonly ProbeTrack[]): Map<number, ProbeTrack[]> {
  const byRow = new Map<number, ProbeTrack[]>()
  for (const track of fresh)
    for (const row of new Set(track.rows)) {
      const tracks = byRow.get(row)
      if (tracks) tracks.push(track)
      else byRow.set(row, [track])
    }
  return byRow
}

/** One witness per vantage point: its monitors that cover the fewest features, and of those the worst. */
function witnessesOf(tracks: readonly ProbeTrack[]): Witness[] {
  const byVantage = new Map<string, Witness>()
  for (const track of tracks) {
    const known = byVantage.get(track.vantageId)
    if (known !== undefined && known.specificity < track.rows.length) continue
    const isFailing = track.outcome === 'failed'
    const accusation = isFailing ? accusationOf(track) : 0
    const isWorse = known === undefined || known.specificity > track.rows.length
    if (!isWorse && known.accusation >= accusation && known.isSlow === track.slowRun >= SLOW_RUN) continue
    byVantage.set(track.vantageId, {
      vantageId: track.vantageId,
      column: track.column,
      specificity: track.rows.length,
      isFailing: isFailing || (!isWorse && known.isFailing),
      isSlow: track.slowRun >= SLOW_RUN,
      accusation: isWorse ? accusation : Math.max(accusation, known.accusation),
      run: track.run,
      isSettled: isSettled(track) && (isWorse || known.isSettled),
      path: 'proven',
    })
  }
  return [...byVantage.values()]
}

interface Eyes {
  /** Whether a vantage point whose check fails is otherwise well: something else answers it. */
  readonly pathOf: (vantageId: string) => Path
  readonly isAlone: boolean
}

function surveyEyes(fresh: readonly ProbeTrack[], elsewhere: Elsewhere): Eyes {
  const seeing = new Set(fresh.filter(({ outcome }) => outcome === 'ok').map(({ vantageId }) => vantageId))
  const paths = new Map<string, Path>()
  function provePath(vantageId: string): Path {
    if (seeing.has(vantageId)) return 'proven'
    const others = elsewhere(vantageId)
    if (others.ok > 0) return 'proven'
    return others.failed > 0 ? 'suspect' : 'unproven'
  }
  return {
    isAlone: new Set(fresh.map(({ vantageId }) => vantageId)).size === 1,
    pathOf(vantageId) {
      let path = paths.get(vantageId)
      if (path === undefined) paths.set(vantageId, (path = provePath(vantageId)))
      return path
    },
  }
}

/** One of several vantage points from which nothing at all works says little more than that about itself. */
function doubt(witness: Witness, eyes: Eyes): Witness {
  if (!witness.isFailing) return witness
  const path = eyes.pathOf(witness.vantageId)
  if (path === 'proven' || eyes.isAlone) return { ...witness, path }
  const most = path === 'suspect' ? SUSPECT_PATH_MAX : witness.run >= 2 ? UNPROVEN_EACH : Infinity
  return { ...witness, path, accusation: Math.min(witness.accusation, most) }
}

const sumOf = (witnesses: readonly Witness[]): number =>
  witnesses.reduce((sum, { accusation }) => sum + accusation, 0)

function judgeCell(witnesses: readonly Witness[], column: number): { value: number; verdict: ProbeVerdict } {
  const own = witnesses.filter((witness) => witness.column === column)
  const local = own.length > 0 ? own : witnesses.filter((witness) => witness.column === -1)
  // Where a place that sees other things work is next to one that sees nothing work, the latter accuses itself.
  const hasProven = local.some(({ path, isFailing }) => !isFailing || path === 'proven')
  const failing = local
    .filter(({ isFailing }) => isFailing)
    .map((each) =>
      hasProven && each.path !== 'proven'
        ? { ...each, accusation: Math.min(each.accusation, SUSPECT_PATH_MAX) }
        : each,
    )
  const allFailing = witnesses.filter(({ isFailing }) => isFailing)
  // Of two or three, two; of more, the greater part.
  const isEverywhere =
    allFailing.length >= 2 &&
    allFailing.length * 2 > Math.min(witnesses.length, 3) &&
    allFailing.length * 2 >= witnesses.length + (witnesses.length > 3 ? 1 : 0)
  if (local.length === 0) {
    const value = isEverywhere ? Math.min(sumOf(allFailing), ELSEWHERE_MAX) : Number.NaN
    return { value, verdict: isEverywhere ? 'bad' : 'none' }
  }
  if (failing.length === 0) {
    const slow = local.filter(({ isSlow }) => isSlow).length
    if (slow * 2 > local.length) return { value: SLOW, verdict: 'mixed' }
    const areSettled = local.every((witness) => witness.isSettled)
    return { value: areSettled ? ACQUITTAL : ACQUITTAL / 2, verdict: areSettled ? 'good' : 'mixed' }
  }
  const isQuorum = failing.length >= 2 && failing.length * 2 >= local.length
  if (isQuorum || isEverywhere)
    return { value: Math.min(sumOf(isEverywhere ? allFailing : failing), MAX), verdict: 'bad' }
  const isAlone = witnesses.length === 1
  const most = failing.length === 1 && !isAlone && failing[0]!.path !== 'proven' ? UNPROVEN_MAX : MAX
  const value = sumOf(failing) - CONTRADICTION * (local.length - failing.length)
  return { value: Math.min(value, most), verdict: 'bad' }
}
