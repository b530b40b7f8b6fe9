package dev.countersign

import dev.countersign.core.Authenticator
import dev.countersign.core.CodeInput
import dev.countersign.core.EnrollmentEnd
import dev.countersign.core.Offer
import dev.countersign.core.Outcome
import dev.countersign.core.Prompt
import dev.countersign.core.PromptState
import dev.countersign.core.Scanned
import dev.countersign.core.Step
import dev.countersign.phone.Phone
import dev.countersign.world.Person
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration

/** The parts of an app that the README's example needs: the camera and the screens. */
interface Screen {
    suspend fun photograph(): ByteArray
    suspend fun accepts(offer: Offer): Boolean
    suspend fun showDigits(digits: String)
    suspend fun showEnd(end: EnrollmentEnd)
    suspend fun askNumber(prompt: Prompt): String?
}

// README: begin
suspend fun addAccount(core: Authenticator, screen: Screen) {
    val scanned = core.readCode(CodeInput.Picture(screen.photograph()))
    if (scanned is Scanned.Invited) {
        val offer = core.lookUp(scanned.invite) // who is asking: verified host, claimed user name
        if (screen.accepts(offer)) {
            val step = core.enroll(offer)
            if (step is Step.ShowDigits) {
                screen.showDigits(step.digits) // the person types them into the page
                screen.showEnd(core.waitForActivation(step.ticket))
            }
        }
    }
}
suspend fun answerNextPrompt(core: Authenticator, screen: Screen): Step {
    var shown = core.snapshot()
    while (true) {
        val prompt = shown.prompts.find { it.state == PromptState.Open }
        if (prompt != null) {
            val number = screen.askNumber(prompt)
            return if (number != null) core.approve(prompt.id, number) else core.deny(prompt.id)
        }
        shown = core.changedSince(shown.revision, Duration.ofSeconds(60))
    }
}
// README: end

/** Runs the README's example against the real service. */
class ReadmeTest {
    private class Ada(val person: Person, val approves: Boolean) : Screen {
        override suspend fun photograph() = person.showsCode()

        override suspend fun accepts(offer: Offer) = offer.userName() == person.user

        override suspend fun showDigits(digits: String) = person.typesDigits(digits)

        override suspend fun showEnd(end: EnrollmentEnd) {
            assertInstanceOf(EnrollmentEnd.Active::class.java, end)
        }

        override suspend fun askNumber(prompt: Prompt) = if (approves) person.number() else null
    }

    private fun outcome(folder: Path, approves: Boolean): Step = runBlocking {
        Phone(folder).use { phone ->
            phone.open()
            val ada = Ada(World.person(), approves)
            addAccount(phone.core, ada)
            answerNextPrompt(phone.core, ada).also { ada.person.close() }
        }
    }

    @Test
    fun `readme example adds an account and approves`(@TempDir folder: Path) {
        assertEquals(Step.Done(Outcome.APPROVED), outcome(folder, approves = true))
    }

    @Test
    fun `readme example adds an account and denies`(@TempDir folder: Path) {
        assertEquals(Step.Done(Outcome.DENIED), outcome(folder, approves = false))
    }
}
