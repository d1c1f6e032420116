/** Whether mail gets to an account. */
import type { Ctx } from '../../../app/context.ts'
import { canMail } from '../../mail/index.ts'
import { INTERNAL_EMAIL_DOMAIN } from './me.ts'

/** Whether a code or a notice that is mailed there gets to anybody. */
export const isReachable = (ctx: Pick<Ctx, 'config'>, email: string): boolean =>
  canMail(ctx) && !email.endsWith(INTERNAL_EMAIL_DOMAIN)
