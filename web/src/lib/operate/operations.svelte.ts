/** What the operator's page shows, anew each second for as long as it is looked at. */
import { problemOf } from '#lib/api/problem.ts'
import type { Problem } from '#lib/api/types.ts'
import { readAudit, readHistory, readOperations } from './endpoints.ts'
import { joinHistory } from './history.ts'
import type { AuditEntry, OperationsHistory, OperationsState } from './types.ts'

const EVERY_MS = 1000
/** The log changes with orders; others may give them too. */
const AUDIT_EVERY_MS = 10_000

export class Operations {
  state = $state.raw<OperationsState | null>(null)
  history = $state.raw<OperationsHistory | null>(null)
  audit = $state.raw<readonly AuditEntry[] | null>(null)
  /** Of the newest question for the state; null: it was answered. */
  problem = $state.raw<Problem | null>(null)
  /** Of the newest question for the log. */
  auditProblem = $state.raw<Problem | null>(null)
  /** When the state came, by this device's clock. */
  heardAtMs = $state<number | null>(null)
  nowMs = $state(Date.now())

  #timer: ReturnType<typeof setTimeout> | undefined
  #auditAtMs = -Infinity
  #isOver = false
  #isLooking = false

  /** Follows until it is stopped. */
  follow(): () => void {
    const onVisible = () => {
      if (!document.hidden) void this.#look()
    }
    const clock = setInterval(() => (this.nowMs = Date.now()), EVERY_MS)
    document.addEventListener('visibilitychange', onVisible)
    void this.#look()
    return () => {
      this.#isOver = true
      clearTimeout(this.#timer)
      clearInterval(clock)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }

  /** After an order: its line in the log, and what came of it. */
  async lookAgain(): Promise<void> {
    this.#auditAtMs = -Infinity
    await this.#look()
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#isOver) return
    clearTimeout(this.#timer)
    this.#isLooking = true
    await Promise.all([this.#readState(), this.#readHistory(), this.#readAudit()])
    this.#isLooking = false
    if (!this.#isOver && !document.hidden) this.#timer = setTimeout(() => void this.#look(), EVERY_MS)
  }

  async #readState(): Promise<void> {
    try {
      this.state = await readOperations()
      this.heardAtMs = Date.now()
      this.problem = null
    } catch (error) {
      this.problem = problemOf(error)
    }
  }

  async #readHistory(): Promise<void> {
    try {
      this.history = joinHistory(this.history, await readHistory(this.history?.at.at(-1) ?? null))
    } catch {
      // The plots stand still, and the page says since when nothing was heard.
    }
  }

  async #readAudit(): Promise<void> {
    if (Date.now() - this.#auditAtMs < AUDIT_EVERY_MS) return
    this.#auditAtMs = Date.now()
    try {
      this.audit = (await readAudit()).items
      this.auditProblem = null
    } catch (error) {
      this.auditProblem = problemOf(error)
    }
  }
}
