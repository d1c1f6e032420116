/** better-auth as it comes, with its own limiter switched on, in memory; passwords by the same Argon2id as ours. */
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { hashPassword, verifyPassword } from '../../platform/modules/accounts/passwords/passwords.ts'
import { createHashingDoor } from '../../platform/app/admission.ts'

export interface Rival {
  signUp(email: string, password: string): Promise<void>
  /** Whether the pair let its sender in, from this address. */
  signIn(email: string, password: string, address: string): Promise<boolean>
}

export function createRival(): Rival {
  const door = createHashingDoor()
  const auth = betterAuth({
    secret: 'of a benchmark, which keeps nothing',
    baseURL: 'http://localhost',
    telemetry: { enabled: false },
    logger: { disabled: true },
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], rateLimit: [] }),
    // Its own rules: three sign-ins in ten seconds of one address.
    rateLimit: { enabled: true },
    advanced: { ipAddress: { ipAddressHeaders: ['x-forwarded-for'] }, disableCSRFCheck: true },
    emailAndPassword: {
      enabled: true,
      password: {
        hash: (password) => hashPassword(door, password),
        verify: (given) => verifyPassword(door, given),
      },
    },
  })
  const post = (path: string, body: object, address: string) =>
    auth.handler(
      new Request(`http://localhost/api/auth${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          origin: 'http://localhost',
          'x-forwarded-for': address,
        },
        body: JSON.stringify(body),
      }),
    )
  return {
    async signUp(email, password) {
      await auth.api.signUpEmail({ body: { name: email, email, password } })
    },
    signIn: async (email, password, address) =>
      (await post('/sign-in/email', { email, password }, address)).ok,
  }
}
