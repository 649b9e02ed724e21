// What each command's file has for the table in commands.cpp.
#pragma once
#include "command.hpp"

namespace ctl {

int status(Context &context, const Arguments &arguments);
int gps(Context &context, const Arguments &arguments);
int devices(Context &context, const Arguments &arguments);
int alerts(Context &context, const Arguments &arguments);
int ps(Context &context, const Arguments &arguments);
int start(Context &context, const Arguments &arguments);
int stop(Context &context, const Arguments &arguments);
int restart(Context &context, const Arguments &arguments);
int logs(Context &context, const Arguments &arguments);
int interfaces(Context &context, const Arguments &arguments);
int acquire(Context &context, const Arguments &arguments);
int release(Context &context, const Arguments &arguments);
int lock(Context &context, const Arguments &arguments);
int locks(Context &context, const Arguments &arguments);
int ports(Context &context, const Arguments &arguments);
int recovery(Context &context, const Arguments &arguments);
int plugins(Context &context, const Arguments &arguments);
int enable(Context &context, const Arguments &arguments);
int disable(Context &context, const Arguments &arguments);
int reload(Context &context, const Arguments &arguments);
int topics(Context &context, const Arguments &arguments);
int watch(Context &context, const Arguments &arguments);
int methods(Context &context, const Arguments &arguments);
int call(Context &context, const Arguments &arguments);
int config(Context &context, const Arguments &arguments);
int doctor(Context &context, const Arguments &arguments);
int version(Context &context, const Arguments &arguments);
int help(Context &context, const Arguments &arguments);
int complete(Context &context, const Arguments &arguments);

} // namespace ctl
