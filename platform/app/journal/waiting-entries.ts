/** Which entries wait, as far as it has to be known without reading files: whose they are, since when, and which is a repetition. */
import type { Journal } from '../../../kit/journal/index.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'
import type { KeptEntry } from './entries.ts'

const SETTLED_REPEATS_MAX = 5_000

interface Waiting {
  readonly id: string | null
  readonly atMs: number
  readonly actor: string | null
  readonly repeat: string | null
}

export class WaitingEntries {
  /** By sequence, oldest first. */
  readonly #byJournal = new Map<Journal, Map<number, Waiting>>()
  /** Settled, and still in the files. */
  readonly #settled = new Map<Journal, Set<number>>()
  /** How many entries of each actor wait, those on their way to the disk included. */
  readonly #actors = new Map<string, number>()
  readonly #repeats = new Map<string, Promise<KeptEntry>>()
  /** Settled ones, for a client that did not get its answer. */
  readonly #settledRepeats = createRecentMap<string, Promise<KeptEntry>>(SETTLED_REPEATS_MAX)
  readonly #watchers = new Map<string, () => void>()

  get count(): number {
    return [...this.#byJournal.values()].reduce((sum, waiting) => sum + waiting.size, 0)
  }

  /** Null: none waits. */
  get oldestAtMs(): number | null {
    const oldest = [...this.#byJournal.values()].flatMap(
      (waiting) => waiting.values().next().value?.atMs ?? [],
    )
    return oldest.length === 0 ? null : Math.min(...oldest)
  }

  hasOf(actor: string): boolean {
    return this.#actors.has(actor)
  }

  /** Those on their way to the disk included. */
  countOfActor(actor: string): number {
    return this.#actors.get(actor) ?? 0
  }

  /** An entry of the actor is on its way to the disk. */
  begin(actor: string): void {
    this.#actors.set(actor, (this.#actors.get(actor) ?? 0) + 1)
  }

  /** It is settled, or did not get there. */
  end(actor: string): void {
    const left = (this.#actors.get(actor) ?? 1) - 1
    if (left === 0) this.#actors.delete(actor)
    else this.#actors.set(actor, left)
  }

  /** An entry is on the disk; null: one that can't be read. */
  add(journal: Journal, sequence: number, entry: KeptEntry | null): void {
    const { id = null, actor = null, repeat = null } = entry ?? {}
    const waiting = this.#byJournal.get(journal) ?? new Map<number, Waiting>()
    waiting.set(sequence, { id, atMs: entry?.at.getTime() ?? 0, actor, repeat })
    this.#byJournal.set(journal, waiting)
  }

  /** It is settled. Does nothing for one that was settled before. */
  settle(journal: Journal, sequence: number): void {
    const waiting = this.#byJournal.get(journal)
    const one = waiting?.get(sequence)
    if (!waiting || !one) return
    waiting.delete(sequence)
    const settled = this.#settled.get(journal) ?? new Set<number>()
    this.#settled.set(journal, settled.add(sequence))
    if (one.actor !== null) this.end(one.actor)
    if (one.repeat !== null) this.#keepAnswer(one.repeat)
    if (one.id !== null) this.#watchers.get(one.id)?.()
  }

  isSettled(journal: Journal, sequence: number): boolean {
    return this.#settled.get(journal)?.has(sequence) ?? false
  }

  countOf(journal: Journal): number {
    return this.#byJournal.get(journal)?.size ?? 0
  }

  /** None up to this one is read again. */
  forgetUpTo(journal: Journal, sequence: number): void {
    const settled = this.#settled.get(journal)
    for (const one of settled ?? []) if (one <= sequence) settled!.delete(one)
  }

  forget(journal: Journal): void {
    this.#byJournal.delete(journal)
    this.#settled.delete(journal)
  }

  /** Calls back once, when the entry is settled; the answer ends the waiting. */
  watch(id: string, onSettled: () => void): () => void {
    const stop = () => this.#watchers.delete(id)
    this.#watchers.set(id, () => {
      stop()
      onSettled()
    })
    return stop
  }

  /** What was kept for this request before, be it settled lately. */
  findRepeated(repeat: string): Promise<KeptEntry> | undefined {
    return this.#repeats.get(repeat) ?? this.#settledRepeats.get(repeat)
  }

  noteRepeatable(repeat: string, keeping: Promise<KeptEntry>): void {
    this.#repeats.set(repeat, keeping)
    keeping.catch(() => this.#repeats.delete(repeat))
  }

  #keepAnswer(repeat: string): void {
    const kept = this.#repeats.get(repeat)
    this.#repeats.delete(repeat)
    if (kept) this.#settledRepeats.set(repeat, kept)
  }
}
