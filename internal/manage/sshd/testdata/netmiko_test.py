"""Configures and reads a device as operators' scripts do: netmiko_test.py PORT KEY DRIVER."""
import sys

from netmiko import ConnectHandler

port, key, driver = sys.argv[1:]


def wants(text, *parts):
    for part in parts:
        if part not in text:
            sys.exit("%s: no %r in\n%s" % (driver, part, text))


device = ConnectHandler(
    device_type=driver, host="127.0.0.1", port=int(port), username="ann", use_keys=True, key_file=key,
    global_delay_factor=0.3,
)
wants(device.find_prompt(), "<Tandem>")
wants(device.send_command("display version"), "Version", "Uptime")
if "More" in device.send_command("display default-parameter mld"):
    sys.exit("the pager asks a program")

# A text with tabs, sections, a question mark and a bar.
lines = ["#", "interface Eth-Trunk20", "\tmld enable", "\tdescription is it so? a|b", "#", "e-trunk 7", " priority 9"]
lines += ["#"] + [line for n in range(12) for line in ("interface eth%d" % n, " description number %d" % n, "#")]
wants(device.send_config_set(lines + ["display this | count", "commit"], exit_config_mode=False), "[*Tandem", "[~Tandem]")
device.exit_config_mode()
shown = device.send_command("display current-configuration")
wants(shown, " description is it so? a|b\n", "e-trunk 7\n priority 9\n", " description number 11\n", "\nreturn")
if "e-trunk 7\n mld" in shown:
    sys.exit("a section went into another:\n" + shown)

if driver == "huawei_vrpv8":
    device.send_config_set(["e-trunk 7", "priority 8"], exit_config_mode=False)
    wants(device.commit(), "[~Tandem")
    wants(device.send_command("display current-configuration configuration e-trunk"), "priority 8")
else:
    wants(device.save_config(), "saved")

# Names with a colon, a description of one character, a prompt that changes its name, save within a set.
device.send_config_set(["interface 100GE1/0/22:1", "description \\", "quit", "sysname Other", "commit", "return", "save", "system-view"], exit_config_mode=False)
device.set_base_prompt()
device.exit_config_mode()
wants(device.find_prompt(), "<Other>")
wants(device.send_command("display saved-configuration"), "sysname Other", "interface 100GE1/0/22:1\n description \\")
wants(device.send_command("display nothing"), "Error: Unrecognized command found at '^' position.")
device.disconnect()
