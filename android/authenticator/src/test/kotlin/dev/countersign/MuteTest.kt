package dev.countersign

import dev.countersign.core.FetchReason
import dev.countersign.core.Outcome
import dev.countersign.core.PushEffect
import dev.countersign.core.Quiet
import dev.countersign.core.Step
import dev.countersign.phone.Phone
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Instant
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** The prompts of a muted account do not alert, but they are listed and can be answered. */
class MuteTest {
    @Test
    fun `a prompt of a muted account does not alert and can be answered`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).open().use { phone ->
                phone.addAndConfirm(person)
                val account = phone.core.accounts().single().id
                val until = phone.core.mute(account, Instant.now().plusSeconds(3_600))
                assertEquals(until, phone.core.accounts().single().mutedUntil)
                val effects = LinkedBlockingQueue<PushEffect>()
                phone.channel.listen { slot, body -> effects.add(runBlocking { phone.core.pushReceived(slot, body) }) }
                person.signsIn()

                val prompt = assertInstanceOf(PushEffect.Quiet::class.java, effects.poll(10, TimeUnit.SECONDS)).prompt
                assertEquals(Quiet.Muted(until), prompt.quiet)
                assertEquals(listOf(prompt.id), phone.core.checkForPrompts(FetchReason.OPENED).prompts.map { it.id })
                assertEquals(Step.Done(Outcome.DENIED), phone.core.deny(prompt.id))
                assertNull(phone.core.delivery(prompt.id), "the answer is still being sent")
                phone.core.unmute(account)
                assertNull(phone.core.accounts().single().mutedUntil)
            }
        }
    }
}
