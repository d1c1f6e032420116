/** Mail as files that any mail program opens. */
import { createTransport, type SendMailOptions } from 'nodemailer'
import { writeWhole } from '../../../kit/files/durable-file.ts'

/** Writes the mail as RFC 5322 has it, whole or not at all. */
export async function writeMail(path: string, message: SendMailOptions): Promise<void> {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  const { message: bytes } = await composer.sendMail(message)
  await writeWhole(path, bytes as Buffer)
}
