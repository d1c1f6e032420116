/** Signing in, with the steps that the server asks for. */
import { ApiError } from '#lib/api/problem.ts'
import type { Me, SignIn } from '#lib/api/types.ts'
import * as endpoints from './endpoints.ts'
import { solveWork } from './solve-work.ts'

export type SignInStep = { readonly account: Me } | { readonly confirmation: string }

/** Solutions are asked for again when one came too late; not for ever. */
const WORK_TRIES = 3

/**
 * Signs in by password; proves work when that is asked for.
 *
 * @returns the account, or what a code has to confirm
 * @throws {ApiError}
 */
export async function signInByPassword(body: SignIn, onWork: () => void): Promise<SignInStep> {
  let work: string | undefined
  for (let tries = 0; ; tries++) {
    try {
      return { account: await endpoints.signIn({ ...body, ...(work !== undefined && { work }) }) }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const { code, facts } = error.problem
      if (code === 'confirmation-needed') return { confirmation: String(facts?.['confirmation']) }
      if (code !== 'work-needed' || tries >= WORK_TRIES) throw error
      onWork()
      const notBefore = new Promise((resolve) => setTimeout(resolve, Number(facts?.['waitMs'] ?? 0)))
      work = await solveWork(String(facts?.['challenge']))
      await notBefore
    }
  }
}
