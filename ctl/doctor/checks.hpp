// The doctor's checks. Each adds what it finds; each looks at the machine itself, and needs no daemon.
#pragma once
#include "doctor/finding.hpp"
#include "doctor/gpsd_probe.hpp"
#include "doctor/kit.hpp"

namespace ctl {

/// Is the file as the daemon wants it? By patchbayd --check.
void check_config(const Kit &kit, Findings &found);
/// No daemon: is its port taken by another, is it installed?
void check_daemon_gone(const Kit &kit, const std::string &why, Findings &found);
void check_gpsd(const Kit &kit, const GpsdLook &look, Findings &found);
void check_clock(const GpsdLook &look, Findings &found);
void check_kismet(const Kit &kit, Findings &found);
void check_interfaces(const Kit &kit, Findings &found);
void check_disks(const Kit &kit, Findings &found);

} // namespace ctl
