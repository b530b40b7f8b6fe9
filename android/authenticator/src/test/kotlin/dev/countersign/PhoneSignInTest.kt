package dev.countersign

import dev.countersign.core.AccountHealth
import dev.countersign.core.CountersignException
import dev.countersign.core.Ending
import dev.countersign.core.FetchReason
import dev.countersign.core.KeyGuard
import dev.countersign.core.LockState
import dev.countersign.core.Matching
import dev.countersign.core.NextStep
import dev.countersign.core.Outcome
import dev.countersign.core.PhoneSignIn
import dev.countersign.core.PromptKind
import dev.countersign.core.Reply
import dev.countersign.core.Step
import dev.countersign.core.nextStep
import dev.countersign.phone.Phone
import dev.countersign.phone.Process
import dev.countersign.ports.PersonsKeys
import dev.countersign.ports.Unlocks
import dev.countersign.world.Person
import dev.countersign.world.World
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path

/** Turns phone sign-in on, signs in, and turns phone sign-in off. The person unlocks the sign-in key for each use. */
class PhoneSignInTest {
    @Test
    fun `j4 and j6 and j8 phone sign-in is turned on, used twice and turned off`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val keys = PersonsKeys(phone.keys, phone.lock)
                phone.open(phone.ports(keyStore = keys))
                phone.addAndConfirm(person)
                turnOn(phone, person, keys)
                assertEquals(1, keys.asked)

                // The person signs in with a known browser, then with an unknown browser, which requires a typed
                // number.
                for (browser in listOf("known", "unknown")) {
                    if (browser == "unknown") person.forgets()
                    person.usesPhone()
                    val prompt = phone.prompt()
                    assertEquals(listOf(PromptKind.PHONE_SIGN_IN, true), listOf(prompt.kind, prompt.needsUnlock))
                    if (browser == "unknown") assertEquals(Matching.Enter(3.toUByte()), prompt.matching)
                    val sign = phone.core.approve(prompt.id, person.number()) as Step.Sign
                    keys.person = Unlocks.BY_PIN
                    assertEquals(Step.Done(Outcome.APPROVED), phone.core.provide(sign.ticket, keys.reply(sign)))
                    if (browser == "unknown") {
                        person.sees("name-account")
                        person.presses("continue")
                    }
                    person.sees("security-info")
                    person.presses("sign-out")
                    person.sees("signed-out")
                }

                val account = phone.core.accounts().single()
                assertEquals(Ending.DONE, phone.core.turnOffPhoneSignIn(account.id))
                assertEquals(PhoneSignIn.OFF, phone.core.accounts().single().phoneSignIn)
                assertEquals(1, phone.keys.aliases().size, "a key other than the device key is left")
                assertThrows<CountersignException.PhoneSignInOff> { runBlocking { phone.core.turnOffPhoneSignIn(account.id) } }
            }
        }
    }

    @Test
    fun `a cancelled unlock sends no answer, and denying needs no unlock`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val keys = PersonsKeys(phone.keys, phone.lock)
                phone.open(phone.ports(keyStore = keys))
                phone.addAndConfirm(person)
                turnOn(phone, person, keys)
                person.usesPhone()
                val prompt = phone.prompt()
                val sign = phone.core.approve(prompt.id, person.number()) as Step.Sign
                keys.person = Unlocks.CANCELS
                assertThrows<CountersignException.Cancelled> { runBlocking { phone.core.provide(sign.ticket, keys.reply(sign)) } }
                val before = keys.asked
                assertEquals(Step.Done(Outcome.DENIED), phone.core.deny(phone.prompt().id))
                assertEquals(before, keys.asked)

                phone.lock.lock = LockState.MISSING
                phone.core.foregrounded()
                val health = phone.core.accounts().single().health
                assertEquals(listOf<Any>(AccountHealth.Paused, NextStep.SET_DEVICE_LOCK), listOf(health, nextStep(health)))
            }
        }
    }

    @Test
    fun `after a kill at the browser step phone sign-in can still be turned on`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone -> phone.open().addAndConfirm(person) }
            val url = Process(TurningOnPhone::class.java.name, "$folder").use { child -> child.line().also { child.kill() } }
            Phone(folder).use { phone ->
                val keys = PersonsKeys(phone.keys, phone.lock)
                phone.open(phone.ports(keyStore = keys))
                val waiting = phone.core.pendingSteps().single() as Step.OpenBrowser
                assertEquals(url, waiting.url)
                finishTurningOn(phone, person, keys, waiting)
            }
        }
    }

    private suspend fun turnOn(phone: Phone, person: Person, keys: PersonsKeys) {
        val account = phone.core.accounts().single()
        assertTrue(phone.core.requirements(account.id).lockIsEnough)
        val confirm = phone.core.turnOnPhoneSignIn(account.id, World.redirectUri) as Step.ConfirmDevice
        assertEquals(person.user, confirm.userName)
        finishTurningOn(phone, person, keys, phone.core.provide(confirm.ticket, Reply.Confirmed) as Step.OpenBrowser)
    }

    /** Continues at the browser step, until phone sign-in is on. */
    private suspend fun finishTurningOn(phone: Phone, person: Person, keys: PersonsKeys, browser: Step.OpenBrowser) {
        person.signsInAt(browser.url)
        // After signing in with the browser, the person opens the app. The app then fetches the waiting prompt.
        phone.core.checkForPrompts(FetchReason.OPENED)
        val prompt = phone.prompt()
        assertEquals(PromptKind.REGISTER_DEVICE, prompt.kind)
        assertEquals(Step.Done(Outcome.APPROVED), phone.core.approve(prompt.id, person.number()))
        val make = phone.core.provide(browser.ticket, Reply.Redirected(person.registers())) as Step.MakeKey
        assertEquals(KeyGuard.BIOMETRIC_OR_CREDENTIAL, make.guard)
        val sign = phone.core.provide(make.ticket, keys.reply(make)) as Step.Sign
        assertTrue(phone.core.provide(sign.ticket, keys.reply(sign)) is Step.PhoneSignInOn)
        assertEquals(PhoneSignIn.ON, phone.core.accounts().single().phoneSignIn)
    }
}

/** Turns phone sign-in on up to the browser step, prints the URL, and waits to be killed. */
object TurningOnPhone {
    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking<Unit> {
        val phone = Phone(Path.of(arguments[0])).open()
        val account = phone.core.accounts().single()
        val confirm = phone.core.turnOnPhoneSignIn(account.id, World.redirectUri) as Step.ConfirmDevice
        println((phone.core.provide(confirm.ticket, Reply.Confirmed) as Step.OpenBrowser).url)
        delay(Long.MAX_VALUE)
    }
}
