package dev.countersign

import dev.countersign.core.CodeError
import dev.countersign.core.CodeInput
import dev.countersign.core.CountersignException
import dev.countersign.core.Ending
import dev.countersign.core.LockState
import dev.countersign.core.OtherCode
import dev.countersign.core.Outcome
import dev.countersign.core.PictureError
import dev.countersign.core.Scanned
import dev.countersign.core.Step
import dev.countersign.phone.Phone
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path

/** Tests the results and errors of answers, codes and abandoned enrollments. */
class StepsTest {
    @Test
    fun `each answer returns its outcome, and the account can be removed`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).open().use { phone ->
                phone.addAndConfirm(person)
                person.signsIn()
                val prompt = phone.prompt()
                assertThrows<CountersignException.NumberForm> { runBlocking { phone.core.approve(prompt.id, "x") } }
                assertEquals(Step.Done(Outcome.WRONG_NUMBER), phone.core.approve(prompt.id, another(person.number())))
                assertThrows<CountersignException.AlreadyAnswered> { runBlocking { phone.core.deny(prompt.id) } }
                World.signsIn(person.user)
                val second = phone.core.checkForPrompts(dev.countersign.core.FetchReason.OPENED).prompts.single()
                assertEquals(Step.Done(Outcome.DENIED), phone.core.deny(second.id))
                assertEquals(Step.Done(Outcome.REPORTED), phone.core.report(second.id))
                assertEquals(Ending.DONE, phone.core.remove(second.id.account))
                assertTrue(phone.core.accounts().isEmpty())
                assertThrows<CountersignException.NoLongerThere> { runBlocking { phone.core.unblock(second.id.account) } }
            }
        }
    }

    @Test
    fun `each kind of unusable code has its own result`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).open().use { phone ->
            suspend fun read(input: CodeInput) = phone.core.readCode(input)
            assertEquals(Scanned.Other(OtherCode.ONE_TIME_CODE), read(CodeInput.Text("otpauth://totp/x?secret=AA")))
            assertEquals(Scanned.Other(OtherCode.UNKNOWN), read(CodeInput.Text("")))
            val damaged = assertThrows<CountersignException.BadCode> { runBlocking { read(CodeInput.Text("countersign://enroll?v=1")) } }
            assertEquals(CodeError.DAMAGED, damaged.fault)
            val mistyped = assertThrows<CountersignException.BadCode> { runBlocking { read(CodeInput.Typed("ABC", "login.example")) } }
            assertEquals(CodeError.TYPED_FORM, mistyped.fault)
            val noPicture = assertThrows<CountersignException.BadPicture> { runBlocking { read(CodeInput.Picture(ByteArray(9))) } }
            assertEquals(PictureError.NOT_A_PICTURE, noPicture.fault)
            val unreachable = read(CodeInput.Typed("ABCD-EFGH-JKMN", "127.0.0.1:1")) as Scanned.Invited
            assertThrows<CountersignException.Offline> { runBlocking { phone.core.lookUp(unreachable.invite) } }
        }
    }

    @Test
    fun `an abandoned enrollment leaves no pending step, and the lock is read each time`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).open().use { phone ->
                val shown = phone.core.enroll(phone.lookUp(person)) as Step.ShowDigits
                assertEquals(listOf<Step>(shown), phone.core.pendingSteps())
                phone.core.abandon(shown.ticket)
                assertTrue(phone.core.pendingSteps().isEmpty())
                assertThrows<CountersignException.NoLongerThere> { runBlocking { phone.core.waitForActivation(shown.ticket) } }
                phone.lock.lock = LockState.MISSING
                assertEquals(LockState.MISSING, phone.core.deviceLock())
            }
        }
    }

    private fun another(number: String) = if (number == "10") "11" else "10"
}
