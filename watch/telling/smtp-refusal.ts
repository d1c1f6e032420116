/**
 * What a failure of SMTP is about: the receiver, the message, or our own access to the mail server. Only the first two may
 * cost a message. Pure; reply codes by RFC 5321 (4.2), enhanced ones by RFC 3463, of authentication by RFC 4954.
 */
import type { SendOutcome } from './senders.ts'

/** As nodemailer throws it. */
export interface SmtpError {
  readonly code?: string
  /** The command that was refused; `API` and `CONN` where there was none. */
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
  readonly message: string
}

const REMEDIES = {
  access: 'Correct the user and password in WATCH_SMTP_URL.',
  sender: 'Set WATCH_MAIL_FROM to an address that the mail server lets this watch send from.',
  server: 'See that the mail server of WATCH_SMTP_URL runs, can be reached from here, and has room.',
  tls: 'See that WATCH_SMTP_URL asks for the encryption that the mail server speaks (smtps: from the first byte, smtp: STARTTLS), and that its certificate is valid.',
  policy: 'Ask whoever runs the mail server why it refuses what this watch sends; its answer is above.',
} as const

const ACCESS_ERRORS = new Set(['EAUTH', 'ENOAUTH', 'EOAUTH2'])
const TLS_ERRORS = new Set(['ETLS', 'EREQUIRETLS'])
/** RFC 4954, 4 and 6: all of them speak of our sign-in. */
const ACCESS_REPLIES = new Set([530, 534, 535, 538])
/** 5.7.x that speak of our sign-in (RFC 4954; 5.7.13 and 5.7.14: our account). */
const ACCESS_DETAILS = new Set([8, 9, 11, 12, 13, 14])
/** 5.7.20 to 5.7.29: our signature, our domain, our address (RFC 7372, 8601). */
const FIRST_OWN_POLICY = 20

/** Answers what becomes of the messages. */
export function judgeSmtpError(error: SmtpError): SendOutcome {
  const about = subjectOf(error)
  const text = error.message
  switch (about) {
    case 'receiver':
    case 'message':
      return { kind: 'impossible', error: text }
    case 'later':
      return { kind: 'retry', error: text }
    case 'unclear':
      return { kind: 'retry', error: text, remedyIfMany: REMEDIES.policy }
    default:
      return { kind: 'ours', error: text, remedy: REMEDIES[about] }
  }
}

type Subject = 'receiver' | 'message' | 'later' | 'unclear' | keyof typeof REMEDIES

function subjectOf(error: SmtpError): Subject {
  const { code = '', responseCode: reply } = error
  if (ACCESS_ERRORS.has(code)) return reply && reply < 500 ? 'server' : 'access'
  if (TLS_ERRORS.has(code)) return 'tls'
  if (!reply) return withoutReply(error)
  if (ACCESS_REPLIES.has(reply)) return 'access'
  const enhanced = enhancedOf(error)
  switch (error.command) {
    case 'RCPT TO':
    case 'DATA':
      return reply >= 500 ? refused(error, reply, enhanced) : deferred(reply, enhanced)
    case 'MAIL FROM':
      if (isTooBig(reply, enhanced)) return 'message'
      return reply >= 500 ? 'sender' : 'server'
    default:
      return 'server'
  }
}

function withoutReply({ code, command, message }: SmtpError): Subject {
  // Found wrong before anything was said to the server.
  if (code === 'EENVELOPE' && command === 'API') return /sender/i.test(message) ? 'sender' : 'receiver'
  if (code === 'EMESSAGE') return 'message'
  // A certificate that is refused comes as an error of the socket.
  return /certificate|\bssl\b|\btls\b/i.test(message) ? 'tls' : 'server'
}

const deferred = (reply: number, enhanced: Enhanced | null): Subject => {
  if (reply === 421 || enhanced?.subject === 3) return 'server'
  // Greylisting of this receiver, or a brake on all that we send.
  return enhanced?.subject === 7 ? 'unclear' : 'later'
}

function refused(error: SmtpError, reply: number, enhanced: Enhanced | null): Subject {
  if (isTooBig(reply, enhanced)) return 'message'
  if (!enhanced) {
    // Some servers refuse to relay by a bare 550.
    if (/relay|authenti|sender|polic|block|black|spam/i.test(error.response ?? '')) return 'unclear'
    return error.command === 'RCPT TO' && reply >= 550 && reply <= 553 ? 'receiver' : 'unclear'
  }
  const { subject, detail } = enhanced
  switch (subject) {
    case 1:
      return detail === 7 || detail === 8 ? 'sender' : 'receiver'
    case 2:
    case 4:
      return 'receiver'
    case 3:
      return 'server'
    case 6:
      return 'message'
    case 7:
      if (ACCESS_DETAILS.has(detail)) return 'access'
      return detail >= FIRST_OWN_POLICY ? 'policy' : 'unclear'
    default:
      return 'unclear'
  }
}

interface Enhanced {
  readonly subject: number
  readonly detail: number
}

function enhancedOf({ response }: SmtpError): Enhanced | null {
  const match = /^\d{3}[ -][245]\.(\d{1,3})\.(\d{1,3})\b/.exec(response ?? '')
  return match && { subject: Number(match[1]), detail: Number(match[2]) }
}

/** RFC 1870, 6.1: 552; 5.3.4 and 5.2.3 say the same. */
const isTooBig = (reply: number, enhanced: Enhanced | null): boolean =>
  enhanced
    ? (enhanced.subject === 3 && enhanced.detail === 4) || (enhanced.subject === 2 && enhanced.detail === 3)
    : reply === 552

/** Replies quote addresses of people; operators need the words only. */
export const withoutAddresses = (text: string): string =>
  text.replace(/<?[^\s<>:;,()]+@[^\s<>:;,()]+>?/g, '<address>')
