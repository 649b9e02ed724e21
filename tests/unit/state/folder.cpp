#include "state/folder.hpp"

#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <algorithm>

using core::state::Folder;

TEST_GROUP(state_folder)
{
	test::TempFolder folder;
	std::size_t count(std::string_view start)
	{
		std::size_t n = 0;
		for (const auto &e : std::filesystem::directory_iterator(folder.path)) n += e.path().filename().string().starts_with(start);
		return n;
	}
};

TEST(state_folder, is_made_with_all_above_it)
{
	CHECK(Folder::claim(folder / "a/b/c/").has_value());
	CHECK(std::filesystem::is_directory(folder / "a/b/c"));
}

TEST(state_folder, is_free_again_when_its_holder_ends)
{
	{
		const auto first = Folder::claim(folder.path);
		CHECK(first.has_value());
		STRCMP_EQUAL("STATE_IN_USE", Folder::claim(folder.path).error().code.c_str());
	}
	CHECK(Folder::claim(folder.path).has_value());
}

TEST(state_folder, keeps_the_newest_ten_of_what_was_set_aside)
{
	const auto claimed = Folder::claim(folder.path);
	for (int i = 0; i < 15; ++i) folder.write("state.db.corrupt-202601" + std::to_string(10 + i) + "T000000Z", "");
	folder.write("state.db.corrupt-20260110T000000Z-wal", "");
	folder.write("state.db", "x");
	folder.write("state.db-wal", "y");
	const auto name = claimed->set_aside("corrupt");
	CHECK(name.has_value());
	STRCMP_EQUAL("x", test::TempFolder::read(*name).c_str());
	STRCMP_EQUAL("y", test::TempFolder::read(*name + "-wal").c_str());
	CHECK_EQUAL(11U, count("state.db.corrupt-"));
	CHECK(!std::filesystem::exists(folder / "state.db.corrupt-20260110T000000Z-wal"));
	CHECK_EQUAL(0U, count("state.db-"));
}

TEST(state_folder, two_set_aside_in_one_second_have_two_names)
{
	const auto claimed = Folder::claim(folder.path);
	folder.write("state.db", "1");
	const auto first = claimed->set_aside("corrupt");
	folder.write("state.db", "2");
	const auto second = claimed->set_aside("corrupt");
	CHECK(*first != *second);
	STRCMP_EQUAL("1", test::TempFolder::read(*first).c_str());
	STRCMP_EQUAL("2", test::TempFolder::read(*second).c_str());
}
