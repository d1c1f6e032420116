/** The tables of what guards an account. */
interface SignInBudgetTable {
  name_key: Buffer
  guesses: number
  at: Date
}

interface AccountDeviceTable {
  account_id: string
  device_sha256: Buffer
  created_at: Date
  seen_at: Date
}

interface SignInBaselineTable {
  id: 1
  /** As the engine saves it. */
  state: unknown
  at: Date
}

interface SignInConfirmationTable {
  token_sha256: Buffer
  /** Null: a decoy. */
  account_id: string | null
  name_key: Buffer
  mail_code_sha256: Buffer | null
  tries: number
  expires_at: Date
}

export interface SignInNoticeTable {
  id: string
  account_id: string
  session_id: string
  device: string
  address: string
  created_at: Date
  denied_at: Date | null
}

interface PasswordAlarmTable {
  account_id: string
  at: Date
}

interface AccountTotpTable {
  account_id: string
  secret_sealed: Buffer
  created_at: Date
  confirmed_at: Date | null
  last_step: number
}

interface RecoveryCodeTable {
  account_id: string
  code_sha256: Buffer
  used_at: Date | null
}

export interface AccountPasskeyTable {
  id: string
  account_id: string
  public_key: Buffer
  counter: number
  transports: string[]
  name: string
  is_backed_up: boolean
  created_at: Date
  used_at: Date | null
}

interface PasskeyChallengeTable {
  challenge: string
  account_id: string | null
  expires_at: Date
}

interface SessionProofTable {
  session_id: string
  proven_at: Date
}

interface AuthCredentialTable {
  id: string
  user_id: string
  provider_id: string
  password: string | null
  updated_at: Date
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    sign_in_budget: SignInBudgetTable
    account_device: AccountDeviceTable
    sign_in_baseline: SignInBaselineTable
    sign_in_confirmation: SignInConfirmationTable
    sign_in_notice: SignInNoticeTable
    password_alarm: PasswordAlarmTable
    account_totp: AccountTotpTable
    recovery_code: RecoveryCodeTable
    account_passkey: AccountPasskeyTable
    passkey_challenge: PasskeyChallengeTable
    session_proof: SessionProofTable
    auth_credential: AuthCredentialTable
  }
}
