/** Answers to programs, with their tags: made once for all who ask for the same while the view that they show is the latest. */
import { createHash } from 'node:crypto'
import type { StatusView } from '../incidents/index.ts'

export interface Answer {
  readonly body: string
  readonly etag: string
}

/** Of one view: each answer once for each host that people use; somebody may invent hosts. */
const KEPT_MAX = 64

const ofView = new WeakMap<StatusView, Map<string, Answer>>()

/** The answer by its name and the address that its links have; made when this view has not been shown so yet. */
export function answerOnce(view: StatusView, key: string, make: () => string): Answer {
  const kept = ofView.get(view) ?? new Map<string, Answer>()
  ofView.set(view, kept)
  const known = kept.get(key)
  if (known) return known
  const answer = toAnswer(make())
  if (kept.size < KEPT_MAX) kept.set(key, answer)
  return answer
}

/** The body with a tag by which an unchanged one costs nothing. */
export const toAnswer = (body: string): Answer => ({
  body,
  etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
})
