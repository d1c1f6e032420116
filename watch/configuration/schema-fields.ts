/** Fields that several parts of a service's file share. */
import { z } from 'zod'

export const Slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'takes lower-case letters, digits and hyphens, at most 63')
export const Words = z.array(z.string().min(2).max(80)).max(50)
export const HttpUrl = z.url({
  protocol: /^https?$/,
  error: 'takes an address that begins with http:// or https://',
})

/** Whether the runtime knows the time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
