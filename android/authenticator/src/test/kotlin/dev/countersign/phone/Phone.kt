package dev.countersign.phone

import dev.countersign.core.Authenticator
import dev.countersign.core.CodeInput
import dev.countersign.core.DeviceDescription
import dev.countersign.core.DeviceLock
import dev.countersign.core.EnrollmentEnd
import dev.countersign.core.Folders
import dev.countersign.core.KeyStore
import dev.countersign.core.Offer
import dev.countersign.core.Outcome
import dev.countersign.core.Ports
import dev.countersign.core.Prompt
import dev.countersign.core.PromptState
import dev.countersign.core.PushChannel
import dev.countersign.core.Scanned
import dev.countersign.core.Step
import dev.countersign.core.TlsTrust
import dev.countersign.ports.AuthorityTrust
import dev.countersign.ports.JavaKeyStore
import dev.countersign.ports.RelayChannel
import dev.countersign.ports.SetLock
import dev.countersign.world.Person
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.nio.file.Path
import java.time.Duration

/** A phone for tests, with shortcuts for adding an account. */
class Phone(val folder: Path) : AutoCloseable {
    val keys = JavaKeyStore(folder.resolve("keys"))
    val trust = AuthorityTrust(World.ca)
    val channel = RelayChannel(World.relay, trust)
    val lock = SetLock()
    lateinit var core: Authenticator

    fun ports(
        keyStore: KeyStore = keys,
        deviceLock: DeviceLock = lock,
        push: PushChannel = channel,
        tlsTrust: TlsTrust = trust,
    ) = Ports(keyStore, deviceLock, push, tlsTrust, DeviceDescription("Phone of a test", "Pixel 9", "Android 16", "1.0"))

    val folders = Folders("$folder/home", "$folder/inbox")

    /** Opens the core, and passes every push to the core. */
    suspend fun open(ports: Ports = ports()): Phone = apply {
        core = Authenticator.open(folders, ports)
        channel.listen { slot, body -> runBlocking { core.pushReceived(slot, body) } }
    }

    suspend fun lookUp(person: Person): Offer {
        val scanned = core.readCode(CodeInput.Picture(person.showsCode())) as Scanned.Invited
        return core.lookUp(scanned.invite)
    }

    /** Adds the account, up to the page with the number that confirms the phone. */
    suspend fun add(person: Person) = activate(person, core.enroll(lookUp(person)) as Step.ShowDigits)

    suspend fun activate(person: Person, shown: Step.ShowDigits) {
        person.typesDigits(shown.digits)
        check(core.waitForActivation(shown.ticket) is EnrollmentEnd.Active)
    }

    /** Adds the account and confirms it. */
    suspend fun addAndConfirm(person: Person) {
        add(person)
        check(core.approve(prompt().id, person.number()) == Step.Done(Outcome.APPROVED))
        person.sees("done")
    }

    /** Waits for an open prompt, and returns the newest one. */
    suspend fun prompt(): Prompt = withTimeout(20_000) {
        var snapshot = core.snapshot()
        while (snapshot.prompts.none { it.state == PromptState.Open }) {
            snapshot = core.changedSince(snapshot.revision, Duration.ofSeconds(10))
        }
        snapshot.prompts.last { it.state == PromptState.Open }
    }

    override fun close() {
        channel.close()
        if (::core.isInitialized) runBlocking { core.shutDown() }
    }
}
