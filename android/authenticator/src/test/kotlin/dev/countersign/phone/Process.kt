package dev.countersign.phone

import java.io.BufferedReader
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit

/** Runs a program of these tests in a separate process. */
class Process(main: String, vararg arguments: String) : AutoCloseable {
    private val process = ProcessBuilder(
        listOf(
            "${System.getProperty("java.home")}/bin/java",
            "-Djna.library.path=${System.getProperty("jna.library.path")}",
            "-cp", System.getProperty("java.class.path"), main,
        ) + arguments,
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val output: BufferedReader = process.inputReader()

    /** Returns the next line that the program prints. */
    fun line(): String = CompletableFuture.supplyAsync { output.readLine() ?: "(the program has ended)" }.get(60, TimeUnit.SECONDS)

    /** Kills the process, as the system does (SIGKILL). */
    fun kill() {
        process.destroyForcibly().waitFor()
    }

    override fun close() = kill()
}
