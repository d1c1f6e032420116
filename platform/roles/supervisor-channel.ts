/** The role's end of the channel to its supervisor: questions and their answers, and what it is told unasked. */
import type { SupervisorLink } from '../app/supervisor-link.ts'
import type { FromRole, FromSupervisor, Question } from '../supervisor/protocol.ts'

/** The supervisor promises an answer within a second. */
const ANSWER_TIMEOUT_MS = 1_000

/** The supervisor did not answer in time, or refused. */
export class NoAnswerError extends Error {}

export interface SupervisorChannel {
  readonly link: SupervisorLink
  /** True when the message was an answer to a question of ours. */
  hear(message: FromSupervisor): boolean
}

/** @param send false: the channel is closed */
export function createSupervisorChannel(send: (message: FromRole) => boolean): SupervisorChannel {
  const open = new Map<number, PromiseWithResolvers<unknown>>()
  let lastId = 0

  async function ask(question: Question): Promise<unknown> {
    const id = ++lastId
    const answered = Promise.withResolvers<unknown>()
    open.set(id, answered)
    const timer = setTimeout(
      () => answered.reject(new NoAnswerError('The supervisor is silent.')),
      ANSWER_TIMEOUT_MS,
    )
    if (!send({ type: 'ask', id, question })) answered.reject(new NoAnswerError('The supervisor is gone.'))
    try {
      return await answered.promise
    } finally {
      clearTimeout(timer)
      open.delete(id)
    }
  }

  return {
    // Both ends are of one version, and the supervisor's types say what it answers.
    link: {
      state: () => ask({ about: 'state' }) as ReturnType<SupervisorLink['state']>,
      history: (afterS) => ask({ about: 'history', afterS }) as ReturnType<SupervisorLink['history']>,
      audit: (limit) => ask({ about: 'audit', limit }) as ReturnType<SupervisorLink['audit']>,
      releases: () => ask({ about: 'releases' }) as ReturnType<SupervisorLink['releases']>,
      metrics: () => ask({ about: 'metrics' }) as ReturnType<SupervisorLink['metrics']>,
      give: (order, who) => ask({ about: 'order', order, who }) as ReturnType<SupervisorLink['give']>,
      tellStandings: (standings) => void send({ type: 'standings', standings }),
      tellPenalties: (penalties) => void send({ type: 'penalties', penalties }),
    },
    hear(message) {
      if (message.type === 'answer') open.get(message.id)?.resolve(message.answer)
      else if (message.type === 'no-answer') open.get(message.id)?.reject(new NoAnswerError(message.reason))
      else return false
      return true
    },
  }
}
