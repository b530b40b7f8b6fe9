package dev.countersign

import dev.countersign.core.Authenticator
import dev.countersign.core.CodeInput
import dev.countersign.core.DeviceDescription
import dev.countersign.core.EnrollmentEnd
import dev.countersign.core.Folders
import dev.countersign.core.LockState
import dev.countersign.core.Outcome
import dev.countersign.core.Ports
import dev.countersign.core.PromptKind
import dev.countersign.core.PromptState
import dev.countersign.core.Scanned
import dev.countersign.core.Step
import dev.countersign.core.uniffiEnsureInitialized
import dev.countersign.ports.AuthorityTrust
import dev.countersign.ports.JavaKeyStore
import dev.countersign.ports.RelayChannel
import dev.countersign.ports.SetLock
import dev.countersign.world.Person
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration

/** The main journey, step by step, as in an app. [Person] uses the service's pages. */
class JourneyTest {
    @Test
    fun `j2 and j7 an account is added from a picture and a sign-in is approved`(@TempDir folder: Path) = runBlocking<Unit> {
        // Library and generated code must be of the same version. Generated Kotlin checks this only in this call.
        uniffiEnsureInitialized()
        val person = World.person()
        val trust = AuthorityTrust(World.ca)
        val channel = RelayChannel(World.relay, trust)
        val device = DeviceDescription(name = "Ada's phone", model = "Pixel 9", os = "Android 16", appVersion = "1.0")
        val ports = Ports(JavaKeyStore(folder.resolve("keys")), SetLock(), channel, trust, device)
        val folders = Folders(home = "$folder/home", inbox = "$folder/inbox")
        val authenticator = Authenticator.open(folders, ports)
        channel.listen { slot, body -> runBlocking { authenticator.pushReceived(slot, body) } }
        assertEquals(LockState.BIOMETRIC, authenticator.deviceLock())

        // The phone reads the code from a picture of the page, and shows which service asks.
        val scanned = authenticator.readCode(CodeInput.Picture(person.showsCode())) as Scanned.Invited
        val offer = authenticator.lookUp(scanned.invite)
        assertEquals(person.user, offer.userName())
        // The person accepts. The phone shows six digits, and waits until the person has typed them into the page.
        val shown = authenticator.enroll(offer) as Step.ShowDigits
        person.typesDigits(shown.digits)
        val added = authenticator.waitForActivation(shown.ticket) as EnrollmentEnd.Active
        assertEquals(World.issuer, added.account.issuer)

        // The person approves two prompts with a number: the first confirms the phone, the second is a sign-in.
        for (kind in listOf(PromptKind.CONFIRM_ENROLLMENT, PromptKind.SECOND_FACTOR)) {
            if (kind == PromptKind.SECOND_FACTOR) {
                person.sees("done")
                person.signsIn()
            }
            var snapshot = authenticator.snapshot()
            while (snapshot.prompts.none { it.state == PromptState.Open }) {
                snapshot = authenticator.changedSince(snapshot.revision, Duration.ofSeconds(10))
            }
            val prompt = snapshot.prompts.single { it.state == PromptState.Open }
            assertEquals(listOf(kind, person.user), listOf(prompt.kind, prompt.userName))
            assertEquals(Step.Done(Outcome.APPROVED), authenticator.approve(prompt.id, person.number()))
        }
        person.sees("security-info")

        authenticator.shutDown()
        channel.close()
        person.close()
    }
}
